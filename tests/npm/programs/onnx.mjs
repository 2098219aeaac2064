import { observe, expect, at } from '../observe.mjs';
import ort from 'onnxruntime-web';

// A model is a message of protocol buffers; this writes one: a number is a varint, a Float32Array raw bytes, an array repeats.
const varint = (n) => {
  const out = [];
  do { out.push((n & 127) | (n > 127 ? 128 : 0)); n = Math.floor(n / 128); } while (n);
  return out;
};
function message(fields) {
  const out = [];
  for (const [tag, value] of fields) for (const v of Array.isArray(value) ? value : [value]) {
    if (typeof v === 'number') { out.push(Buffer.from([...varint(tag * 8), ...varint(v)])); continue; }
    const data = typeof v === 'string' ? Buffer.from(v) : v instanceof Float32Array ? Buffer.from(v.buffer) : v;
    out.push(Buffer.from([...varint(tag * 8 + 2), ...varint(data.length)]), data);
  }
  return Buffer.concat(out);
}
const info = (name, dims) => message([[1, name], [2, message([[1, message([[1, 1], [2, message(dims.map((d) => [1, message([[1, d]])]))]])]])]]);
const tensor = (name, dims, k) => message([[1, dims], [2, 1], [8, name], [9, Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * k) / 3)]]);
const ints = (name, list) => message([[1, name], [8, list], [20, 7]]);
const node = (op, inputs, output, ...attributes) => message([[1, inputs], [2, output], [4, op], [5, attributes]]);
const graph = message([
  [1, [
    node('Conv', ['x', 'k', 'b'], 'c', ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])), node('Relu', ['c'], 'r'),
    node('MaxPool', ['r'], 'p', ints('kernel_shape', [2, 2]), ints('strides', [2, 2])), node('Sigmoid', ['p'], 's'), node('Flatten', ['s'], 'f'),
    node('Gemm', ['f', 'w', 'v'], 'g'), node('Tanh', ['g'], 't'), node('Exp', ['t'], 'e'), node('Softmax', ['g'], 'y'),
    node('ReduceMean', ['s'], 'm'), node('Transpose', ['s'], 'q', ints('perm', [0, 2, 3, 1])),
  ]],
  [2, 'loom'],
  [5, [tensor('k', [8, 3, 3, 3], 1.7), tensor('b', [8], 2), tensor('w', [8 * 16 * 16, 20], 0.37), tensor('v', [20], 3)]],
  [11, info('x', [1, 3, 32, 32])],
  [12, [info('y', [1, 20]), info('e', [1, 20]), info('m', [1, 1, 1, 1]), info('q', [1, 16, 16, 8])]],
]);
const model = message([[1, 7], [7, graph], [8, message([[1, ''], [2, 13]])]]);

ort.env.wasm.wasmPaths = at('onnxruntime-web/dist/');
ort.env.wasm.numThreads = 2;
const x = new ort.Tensor('float32', Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.cos(i / 9) * 2), [1, 3, 32, 32]);
for (const graphOptimizationLevel of ['disabled', 'all']) {
  const session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ['wasm'], graphOptimizationLevel });
  const outputs = await session.run({ x });
  expect('a distribution', Math.abs(outputs.y.data.reduce((a, b) => a + b) - 1) < 1e-4);
  for (const name of ['y', 'e', 'm', 'q']) observe(`${graphOptimizationLevel} ${name}`, [outputs[name].dims, outputs[name].data]);
}
observe('damaged', await ort.InferenceSession.create(new Uint8Array(model.subarray(0, 500))).then(() => 'opened', (e) => String(e).replace(/\d{5,}/g, 'N')));
process.exit(0);
