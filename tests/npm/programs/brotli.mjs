import { observe, expect, require, sample } from '../observe.mjs';
import zlib from 'node:zlib';

const brotli = require('brotli-wasm');
for (const n of [0, 1, 100, 5000, 200000]) for (const quality of n > 5000 ? [1, 5, 9] : [0, 1, 3, 5, 7, 9, 10, 11]) {
  const data = sample(n, n + 3);
  const packed = brotli.compress(data, { quality });
  observe(`${n} at ${quality}`, packed);
  expect('the round trip', Buffer.compare(Buffer.from(brotli.decompress(packed)), data) === 0);
  expect('what Node says', Buffer.compare(zlib.brotliDecompressSync(packed), data) === 0);
}
const stream = new brotli.CompressStream(6);
const part = stream.compress(sample(30000), 4096);
observe('stream', [part.code, part.input_offset, Array.from(part.buf)]);
for (const damaged of [new Uint8Array([1, 2, 3]), new Uint8Array(0), brotli.compress(sample(500)).slice(0, 60)]) {
  let message;
  try { message = brotli.decompress(damaged); } catch (e) { message = String(e); }
  observe('damaged', message);
}
