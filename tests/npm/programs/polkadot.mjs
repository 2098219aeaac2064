import { observe, require, sample } from '../observe.mjs';

const crypto = require('@polkadot/wasm-crypto');
await crypto.waitReady();
const [seed, message] = [sample(32, 3), sample(500)];
const pair = crypto.ed25519KeypairFromSeed(seed);
observe('ed25519', [pair, crypto.ed25519Sign(pair.slice(32), pair.slice(0, 32), message)]);
const sr = crypto.sr25519KeypairFromSeed(seed);
const signature = crypto.sr25519Sign(sr.slice(64), sr.slice(0, 64), message);
observe('sr25519', [sr, signature, crypto.sr25519Verify(signature, message, sr.slice(64)), crypto.sr25519DeriveKeypairHard(sr, sample(32, 9)), crypto.sr25519DerivePublicSoft(sr.slice(64), sample(32, 9))]);
observe('hashes', [crypto.blake2b(message, new Uint8Array(), 32), crypto.keccak256(message), crypto.keccak512(message), crypto.sha256(message), crypto.sha512(message), crypto.twox(message, 4), crypto.hmacSha256(seed, message)]);
observe('slow hashes', [crypto.pbkdf2(message, seed, 64), crypto.scrypt(message, seed, 6, 8, 1)]);
const phrase = crypto.bip39Generate(12);
observe('bip39', [phrase, crypto.bip39Validate(phrase), crypto.bip39ToSeed(phrase, 'x'), crypto.bip39ToEntropy(phrase), crypto.bip39ToMiniSecret(phrase, '')]);
observe('secp256k1', [crypto.secp256k1FromSeed(seed), crypto.secp256k1Sign(crypto.sha256(message), seed)]);
const vrf = crypto.vrfSign(sr.slice(0, 64), sample(9), message, sample(4));
observe('vrf', [vrf, crypto.vrfVerify(sr.slice(64), sample(9), message, sample(4), vrf)]);
