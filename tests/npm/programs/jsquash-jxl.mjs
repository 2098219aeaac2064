import { observe, expect, picture, at, url } from '../observe.mjs';
import fs from 'node:fs';

globalThis.ImageData = class ImageData { constructor(data, width, height) { Object.assign(this, { data, width, height }); } };
const load = async (js, wasm) => (await import(url(js))).default({ noInitialRun: true, instantiateWasm(imports, done) {
  WebAssembly.instantiate(fs.readFileSync(at(wasm)), imports).then((r) => done(r.instance, r.module));
  return {};
} });
const { defaultOptions } = await import(url('@jsquash/jxl/meta.js'));
const encoder = await load('@jsquash/jxl/codec/enc/jxl_enc.js', '@jsquash/jxl/codec/enc/jxl_enc.wasm');
const decoder = await load('@jsquash/jxl/codec/dec/jxl_dec.js', '@jsquash/jxl/codec/dec/jxl_dec.wasm');
const { data, width, height } = picture(150, 101);
for (const [name, o] of Object.entries({ standard: {}, fast: { effort: 3, quality: 30 }, lossless: { lossless: true, quality: 100, effort: 4 }, progressive: { progressive: true, epf: 3 } })) {
  const encoded = encoder.encode(data, width, height, { ...defaultOptions, ...o });
  expect('an image', encoded && encoded.length > 50);
  observe(name, encoded);
  observe(`${name} pixels`, decoder.decode(encoded).data);
}
