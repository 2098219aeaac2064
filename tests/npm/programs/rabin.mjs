import { observe, expect, require, sample } from '../observe.mjs';

const { create } = require('rabin-wasm');
for (const [bits, min, max, window] of [[8, 64, 2048, 16], [12, 512, 16384, 64], [10, 256, 4096, 32]]) {
  const rabin = await create(bits, min, max, window);
  const cuts = rabin.fingerprint(sample(300000));
  expect('chunks', cuts.length > 10);
  observe(`${bits}`, Array.from(cuts));
}
