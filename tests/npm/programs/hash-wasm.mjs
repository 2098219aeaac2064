import * as h from 'hash-wasm';
import { observe, expect, sample } from '../observe.mjs';

const simple = ['adler32', 'blake2b', 'blake2s', 'blake3', 'crc32', 'crc64', 'keccak', 'md4', 'md5', 'ripemd160', 'sha1', 'sha224', 'sha256', 'sha384', 'sha3', 'sha512',
  'sm3', 'whirlpool', 'xxhash32', 'xxhash64', 'xxhash3', 'xxhash128'];
expect('the published vector', (await h.md5('')) === 'd41d8cd98f00b204e9800998ecf8427e');
for (const name of simple) {
  const out = [];
  for (const n of [0, 1, 55, 64, 119, 128, 240, 1000, 70000]) out.push(await h[name](sample(n, n + 1)));
  observe(name, out);
}
const salt = sample(16, 3), password = 'correct horse';
observe('pbkdf2', await h.pbkdf2({ password, salt, iterations: 50, hashLength: 40, hashFunction: h.createSHA256() }));
observe('scrypt', await h.scrypt({ password, salt, costFactor: 64, blockSize: 8, parallelism: 2, hashLength: 32 }));
observe('bcrypt', await h.bcrypt({ password, salt, costFactor: 5, outputType: 'encoded' }));
for (const f of ['argon2i', 'argon2d', 'argon2id']) observe(f, await h[f]({ password, salt, iterations: 2, parallelism: 2, memorySize: 128, hashLength: 32 }));
const hmac = await h.createHMAC(h.createSHA512(), 'key');
observe('hmac', hmac.init().update(sample(300)).digest());
