import { observe, expect, require, sample } from '../observe.mjs';

const sodium = require('libsodium-wrappers');
await sodium.ready;
const key = sample(32, 5), nonce = sample(24, 6), message = sample(5000);
observe('hash', [sodium.crypto_generichash(64, message, key), sodium.crypto_hash(message), sodium.crypto_shorthash(message, key.slice(0, 16))]);
const box = sodium.crypto_secretbox_easy(message, nonce, key);
observe('secretbox', box);
expect('opened', Buffer.compare(Buffer.from(sodium.crypto_secretbox_open_easy(box, nonce, key)), message) === 0);
const aead = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(message, 'ad', null, nonce, key);
observe('aead', aead);
aead[7] ^= 1;
let error;
try { sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, aead, 'ad', nonce, key); } catch (e) { error = e.message; }
observe('forged', error);
const pair = sodium.crypto_sign_seed_keypair(key);
observe('sign', [pair.publicKey, sodium.crypto_sign_detached(message, pair.privateKey)]);
const [a, b] = [sodium.crypto_box_seed_keypair(key), sodium.crypto_box_seed_keypair(sample(32, 8))];
observe('box', sodium.crypto_box_easy(message, nonce, a.publicKey, b.privateKey));
observe('scalars', [sodium.crypto_scalarmult_base(key), sodium.crypto_kdf_derive_from_key(32, 3, 'loomtest', key), sodium.crypto_kx_seed_keypair(key).publicKey]);
const push = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
observe('stream', [push.header, sodium.crypto_secretstream_xchacha20poly1305_push(push.state, message, null, 0)]);
