import * as as from '@chainsafe/as-sha256';
import { observe, expect, sample } from '../observe.mjs';
import crypto from 'node:crypto';

for (const n of [0, 1, 55, 56, 63, 64, 65, 127, 1000, 33333]) {
  const data = sample(n, n + 1);
  const digest = as.digest(data);
  expect('what Node says', Buffer.from(digest).equals(crypto.createHash('sha256').update(data).digest()));
  observe(`${n}`, digest);
}
observe('64', [as.digest64(sample(64)), as.digest2Bytes32(sample(32, 2), sample(32, 3))]);
const inputs = Array.from({ length: 16 }, (_, i) => sample(64, i + 1));
if (as.batchHash4UintArray64s) observe('batch', as.batchHash4UintArray64s(inputs.slice(0, 4)));
if (as.hashInto) {
  const out = new Uint8Array(16 * 32);
  as.hashInto(Buffer.concat(inputs), out);
  observe('into', out);
}
const hash = new as.SHA256();
hash.init().update(sample(77)).update(sample(5));
observe('streamed', hash.final());
