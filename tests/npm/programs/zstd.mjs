import { observe, expect, require, sample } from '../observe.mjs';
import zlib from 'node:zlib';

const { init, compress, decompress } = require('@bokuweb/zstd-wasm');
await init();
for (const n of [0, 1, 50, 3000, 300000]) for (const level of [-5, 1, 3, 9, 15, 19]) {
  const data = sample(n, n + 9);
  const packed = compress(data, level);
  observe(`${n} at ${level}`, packed);
  expect('the round trip', Buffer.compare(Buffer.from(decompress(packed)), data) === 0);
  expect('what Node says', Buffer.compare(zlib.zstdDecompressSync(packed), data) === 0);
}
let message;
try { message = decompress(compress(sample(3000), 3).slice(0, 500)); } catch (e) { message = String(e); }
observe('damaged', message);
