import { observe, expect, require, sample } from '../observe.mjs';

const lz4 = require('lz4-wasm-nodejs');
for (const n of [0, 1, 12, 13, 64, 4096, 65536, 400000]) {
  const data = sample(n, n + 2);
  const packed = lz4.compress(data);
  observe(`${n}`, packed);
  expect('the round trip', Buffer.compare(Buffer.from(lz4.decompress(packed)), data) === 0);
}
