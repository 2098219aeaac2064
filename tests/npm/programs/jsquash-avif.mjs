import { observe, expect, picture, at, url } from '../observe.mjs';
import fs from 'node:fs';

globalThis.ImageData = class ImageData { constructor(data, width, height) { Object.assign(this, { data, width, height }); } };
const load = async (js, wasm) => (await import(url(js))).default({ noInitialRun: true, instantiateWasm(imports, done) {
  WebAssembly.instantiate(fs.readFileSync(at(wasm)), imports).then((r) => done(r.instance, r.module));
  return {};
} });
const { defaultOptions } = await import(url('@jsquash/avif/meta.js'));
const encoder = await load('@jsquash/avif/codec/enc/avif_enc.js', '@jsquash/avif/codec/enc/avif_enc.wasm');
const decoder = await load('@jsquash/avif/codec/dec/avif_dec.js', '@jsquash/avif/codec/dec/avif_dec.wasm');
const { data, width, height } = picture(72, 56);
for (const [name, o] of Object.entries({ fast: { speed: 10 }, low: { cqLevel: 55, speed: 8, subsample: 1 }, lossless: { cqLevel: 0, cqAlphaLevel: 0, subsample: 3, speed: 9 } })) {
  const encoded = encoder.encode(new Uint8Array(data.buffer), width, height, { ...defaultOptions, ...o });
  expect('an image', encoded && encoded.length > 100);
  observe(name, encoded);
  const decoded = decoder.decode(encoded, 8);
  observe(`${name} pixels`, decoded.data ?? decoded);
}
