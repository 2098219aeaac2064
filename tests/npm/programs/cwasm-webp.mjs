import { observe, require, picture, at, url } from '../observe.mjs';
import fs from 'node:fs';

const { decode } = require('@cwasm/webp');
const factory = (await import(url('@jsquash/webp/codec/enc/webp_enc.js'))).default;
const encoder = await factory({ noInitialRun: true, wasmBinary: fs.readFileSync(at('@jsquash/webp/codec/enc/webp_enc.wasm')) });
const { defaultOptions } = await import(url('@jsquash/webp/meta.js'));
for (const [w, h] of [[1, 1], [64, 48], [133, 77]]) for (const o of [{}, { lossless: 1 }, { quality: 20, method: 2 }]) {
  const { data } = picture(w, h);
  const decoded = decode(encoder.encode(data, w, h, { ...defaultOptions, ...o }));
  observe(`${w}x${h} ${JSON.stringify(o)}`, decoded.data);
}
let message;
try { message = decode(new Uint8Array(40)); } catch (e) { message = String(e); }
observe('damaged', message);
