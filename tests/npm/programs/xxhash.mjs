import xxhash from 'xxhash-wasm';
import { observe, expect, sample } from '../observe.mjs';

const { h32, h64, h32Raw, h64Raw, create32, create64 } = await xxhash();
expect('the published vector', h64('').toString(16) === 'ef46db3751d8e999' && h32('abc').toString(16) === '32d153ff');
for (const n of [0, 1, 3, 4, 15, 16, 31, 32, 33, 100, 1000, 65537]) {
  const data = sample(n);
  observe(`raw ${n}`, [h32Raw(data, 5), h64Raw(data, 7n)]);
}
observe('streamed', [create32(1).update('loom').update(sample(999)).digest(), create64(1n).update(sample(777)).digest()]);
