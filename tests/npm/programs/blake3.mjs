import { observe, expect, require, sample } from '../observe.mjs';

const blake3 = require('blake3-wasm');
expect('the published vector', blake3.hash('').toString('hex') === 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
for (const n of [1, 63, 64, 65, 1023, 1024, 1025, 5000, 100000]) {
  const data = Buffer.from(sample(n));
  observe(`${n}`, [blake3.hash(data, { length: 100 }).toString('hex'), blake3.keyedHash(Buffer.from(sample(32, 2)), data).toString('hex'), blake3.deriveKey('context', data).toString('hex')]);
}
