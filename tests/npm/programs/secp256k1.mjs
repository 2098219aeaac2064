import * as ecc from 'tiny-secp256k1';
import { observe, expect, sample } from '../observe.mjs';

for (let i = 1; i <= 12; i++) {
  const [d, h, e] = [sample(32, i), sample(32, i + 100), sample(32, i + 200)];
  d[0] = h[0] = 7;
  const P = ecc.pointFromScalar(d, i % 2 === 0);
  const signature = ecc.sign(h, d, e);
  expect('its own signature', ecc.verify(h, P, signature));
  const schnorr = ecc.signSchnorr(h, d, e);
  observe(`key ${i}`, [P, signature, schnorr, ecc.verifySchnorr(h, ecc.xOnlyPointFromPoint(P), schnorr), ecc.pointAddScalar(P, h), ecc.pointMultiply(P, e),
    ecc.privateAdd(d, h), ecc.privateSub(d, h), ecc.privateNegate(d), ecc.signRecoverable(h, d), ecc.xOnlyPointAddTweak(ecc.xOnlyPointFromPoint(P), e), ecc.pointAdd(P, ecc.pointFromScalar(h))]);
  signature[40] ^= 1;
  observe(`forged ${i}`, ecc.verify(h, P, signature));
}
