import { observe, expect, bytes, picture, url } from '../observe.mjs';

globalThis.ImageData = class ImageData { constructor(data, width, height) { Object.assign(this, { data, width, height }); } };
const png = await import(url('@jsquash/png/codec/pkg/squoosh_png.js'));
await png.default(bytes('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'));
const oxipng = await import(url('@jsquash/oxipng/codec/pkg/squoosh_oxipng.js'));
await oxipng.default(bytes('@jsquash/oxipng/codec/pkg/squoosh_oxipng_bg.wasm'));
const { data, width, height } = picture(160, 120);
const plain = png.encode(data, width, height, 8);
observe('png', plain);
for (const level of [0, 1, 2, 4, 6]) {
  const small = oxipng.optimise(plain, level, level % 4 === 2, level > 2);
  expect('smaller', small.length < plain.length);
  observe(`level ${level}`, small);
  observe(`pixels ${level}`, png.decode(small).data);
}
observe('raw', oxipng.optimise_raw(data, width, height, 3, false, false));
