import { observe, expect, require, sample } from '../observe.mjs';
import crypto from 'node:crypto';

const { ChaCha20Poly1305, newInstance } = require('@chainsafe/as-chacha20poly1305');
const aead = new ChaCha20Poly1305(newInstance());
for (const n of [0, 1, 15, 16, 64, 65, 1000, 65519]) {
  const [key, nonce, data, ad] = [sample(32, 1), sample(12, 2), sample(n, n + 1), sample(20, 3)];
  const sealed = aead.seal(key, nonce, data, ad);
  const c = crypto.createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  c.setAAD(ad, { plaintextLength: n });
  expect('what Node says', Buffer.from(sealed).equals(Buffer.concat([c.update(data), c.final(), c.getAuthTag()])));
  observe(`${n}`, sealed);
  observe(`${n} opened`, aead.open(key, nonce, sealed, ad));
  sealed[0] ^= 1;
  observe(`${n} forged`, aead.open(key, nonce, sealed, ad));
}
