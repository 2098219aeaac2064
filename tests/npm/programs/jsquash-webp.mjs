import { observe, expect, bytes, picture, at, url } from '../observe.mjs';
import fs from 'node:fs';

globalThis.ImageData = class ImageData { constructor(data, width, height) { Object.assign(this, { data, width, height }); } };
const load = async (js, wasm) => (await import(url(js))).default({ noInitialRun: true, instantiateWasm(imports, done) {
  WebAssembly.instantiate(fs.readFileSync(at(wasm)), imports).then((r) => done(r.instance, r.module));
  return {};
} });
const base = '@jsquash/webp/codec/';
const { defaultOptions } = await import(url('@jsquash/webp/meta.js'));
const decoder = await load(`${base}dec/webp_dec.js`, `${base}dec/webp_dec.wasm`);
const { data, width, height } = picture(150, 101);
for (const flavour of ['webp_enc', 'webp_enc_simd']) {
  const encoder = await load(`${base}enc/${flavour}.js`, `${base}enc/${flavour}.wasm`);
  for (const [name, o] of Object.entries({ standard: {}, low: { quality: 5, method: 0 }, high: { quality: 98, method: 6, use_sharp_yuv: 1 }, lossless: { lossless: 1, exact: 1 }, near: { near_lossless: 40, lossless: 1 } })) {
    const encoded = encoder.encode(data, width, height, { ...defaultOptions, ...o });
    expect('an image', encoded && encoded.length > 100);
    observe(`${flavour} ${name}`, encoded);
    observe(`${flavour} ${name} pixels`, decoder.decode(encoded).data);
  }
}
