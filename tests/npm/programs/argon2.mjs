import { observe, expect, require, at } from '../observe.mjs';
import fs from 'node:fs';

const tests = [
  { pass: 'password', salt: 'somesalt', time: 2, mem: 256, hashLen: 32, parallelism: 1, type: 0 },
  { pass: 'password', salt: 'somesalt', time: 1, mem: 1024, hashLen: 16, parallelism: 4, type: 1 },
  { pass: 'a longer pass phrase', salt: 'othersalt', time: 3, mem: 512, hashLen: 64, parallelism: 2, type: 2 },
];
// argon2-browser's own glue takes the SIMD module where it finds it supported; both modules are run through it.
for (const simd of [false, true]) {
  globalThis.self = globalThis;
  globalThis.loadArgon2WasmModule = () => {
    const file = at(`argon2-browser/dist/argon2${simd ? '-simd' : ''}.wasm`);
    globalThis.Module = { wasmBinary: fs.readFileSync(file) };
    const glue = at('argon2-browser/dist/argon2.js');
    delete require.cache[glue];
    return Promise.resolve(require(glue));
  };
  const main = at('argon2-browser/lib/argon2.js');
  delete require.cache[main];
  const argon2 = require(main);
  for (const test of tests) {
    const { encoded, hash } = await argon2.hash(test);
    observe(`${simd ? 'simd' : 'plain'} ${encoded}`, hash);
    await argon2.verify({ pass: test.pass, encoded, type: test.type });
  }
  const wrong = await argon2.hash({ ...tests[0], salt: 'x' }).catch((e) => e);
  observe('short salt', [wrong.code, wrong.message]);
}
// From the reference implementation's tests: argon2i, version 0x13.
const { hashHex } = await require(at('argon2-browser/lib/argon2.js')).hash({ ...tests[0] , type: 1, mem: 256 });
expect('the published vector', hashHex === '89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f');
