import { observe, require, bytes } from '../observe.mjs';

const draco3d = require('draco3d');
const encoderModule = await draco3d.createEncoderModule({});
const decoderModule = await draco3d.createDecoderModule({});

function decode(label, data) {
  const decoder = new decoderModule.Decoder();
  const buffer = new decoderModule.DecoderBuffer();
  buffer.Init(new Int8Array(data.buffer, data.byteOffset, data.length), data.length);
  const kind = decoder.GetEncodedGeometryType(buffer);
  const mesh = new decoderModule.Mesh();
  const status = decoder.DecodeBufferToMesh(buffer, mesh);
  observe(`${label} status`, [kind, status.ok(), status.error_msg(), mesh.num_faces(), mesh.num_points()]);
  const faces = new decoderModule.DracoInt32Array();
  const out = [];
  for (let i = 0; i < mesh.num_faces(); i++) {
    decoder.GetFaceFromMesh(mesh, i, faces);
    out.push(faces.GetValue(0), faces.GetValue(1), faces.GetValue(2));
  }
  observe(`${label} faces`, out);
  for (const attribute of ['POSITION', 'NORMAL', 'TEX_COORD']) {
    const id = decoder.GetAttributeId(mesh, decoderModule[attribute]);
    if (id < 0) continue;
    const values = new decoderModule.DracoFloat32Array();
    decoder.GetAttributeFloatForAllPoints(mesh, decoder.GetAttribute(mesh, id), values);
    observe(`${label} ${attribute}`, Array.from({ length: values.size() }, (_, i) => values.GetValue(i)));
  }
  return out;
}

const bunny = bytes('draco3d/bunny.drc');
decode('bunny', bunny);
decode('truncated', bunny.slice(0, 3000));
// A height field of 40 × 40 points, encoded by each method and speed.
const n = 40;
const points = new Float32Array(n * n * 3), uv = new Float32Array(n * n * 2), faces = [];
for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) {
  points.set([x, y, Math.sin(x / 5) * Math.cos(y / 7) * 3], (y * n + x) * 3);
  uv.set([x / n, y / n], (y * n + x) * 2);
  if (x && y) {
    const i = y * n + x;
    faces.push(i, i - 1, i - n, i - 1, i - n - 1, i - n);
  }
}
for (const [method, name] of [[encoderModule.MESH_EDGEBREAKER_ENCODING, 'edgebreaker'], [encoderModule.MESH_SEQUENTIAL_ENCODING, 'sequential']]) {
  for (const speed of [0, 5, 10]) {
    const encoder = new encoderModule.Encoder(), builder = new encoderModule.MeshBuilder(), mesh = new encoderModule.Mesh();
    builder.AddFacesToMesh(mesh, faces.length / 3, new Uint32Array(faces));
    builder.AddFloatAttributeToMesh(mesh, encoderModule.POSITION, n * n, 3, points);
    builder.AddFloatAttributeToMesh(mesh, encoderModule.TEX_COORD, n * n, 2, uv);
    encoder.SetEncodingMethod(method);
    encoder.SetSpeedOptions(speed, speed);
    encoder.SetAttributeQuantization(encoderModule.POSITION, 11);
    const encoded = new encoderModule.DracoInt8Array();
    const length = encoder.EncodeMeshToDracoBuffer(mesh, encoded);
    const data = Int8Array.from({ length }, (_, i) => encoded.GetValue(i));
    observe(`${name} ${speed}`, data);
    decode(`${name} ${speed}`, data);
  }
}
