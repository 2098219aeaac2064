// Loaded into every Node process and worker of a program (NODE_OPTIONS=--require): the package's own glue runs unmodified, and
// each module it compiles is recorded, or replaced by its optimized version, by the hash of its bytes.
//   LOOM_NPM_RECORD=DIR  writes DIR/HASH.wasm for every module seen
//   LOOM_NPM_SWAP=DIR    replaces a module by DIR/HASH.wasm where that exists
//   LOOM_NPM_SEEN=FILE   gets a line `HASH found|swapped` for each module compiled
// Clocks and random numbers are made the same in every run.
'use strict';
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const module_ = require('module');
const { RECORD, SWAP, SEEN } = {
  RECORD: process.env.LOOM_NPM_RECORD, SWAP: process.env.LOOM_NPM_SWAP, SEEN: process.env.LOOM_NPM_SEEN,
};

/** The bytes of a BufferSource. */
function bytesOf(source) {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

/** Records the module and gives the bytes to compile in its place. */
function exchange(source) {
  const bytes = bytesOf(source);
  const hash = crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  if (RECORD) {
    const file = path.join(RECORD, `${hash}.wasm`);
    if (!fs.existsSync(file)) fs.writeFileSync(file, bytes);
  }
  const other = SWAP && path.join(SWAP, `${hash}.wasm`);
  const found = other && fs.existsSync(other);
  if (SEEN) fs.appendFileSync(SEEN, `${hash} ${found ? 'swapped' : 'found'}\n`);
  return found ? fs.readFileSync(other) : source;
}

const isSource = (x) => x instanceof ArrayBuffer || ArrayBuffer.isView(x)
  || (typeof SharedArrayBuffer !== 'undefined' && x instanceof SharedArrayBuffer);
const wasm = WebAssembly;
const { Module, compile, instantiate } = wasm;
wasm.Module = new Proxy(Module, {
  construct: (target, [source, ...rest], self) => {
    const swapped = isSource(source) ? exchange(source) : source;
    return Reflect.construct(target, [swapped, ...rest], self === wasm.Module ? target : self);
  },
});
wasm.compile = async (source, ...rest) => compile(isSource(source) ? exchange(source) : source, ...rest);
wasm.instantiate = async (source, ...rest) => instantiate(isSource(source) ? exchange(source) : source, ...rest);
wasm.compileStreaming = async (response, ...rest) => wasm.compile(await (await response).arrayBuffer(), ...rest);
wasm.instantiateStreaming = async (response, ...rest) =>
  wasm.instantiate(await (await response).arrayBuffer(), ...rest);
if (module_.registerHooks) {
  module_.registerHooks({
    // The import of a .wasm file reaches `WebAssembly.Module` above too. Some packages are written for bundlers, which find `./file.js` for `./file`.
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!specifier.startsWith('.') || specifier.endsWith('.js')) throw error;
        try {
          return next(`${specifier}.js`, context);
        } catch {
          return next(`${specifier}/index.js`, context);
        }
      }
    },
  });
}

// xorshift32 and a clock that advances by one at each look.
let state = 0x9e3779b9;
function next32() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
function fill(view) {
  const bytes = bytesOf(view);
  for (let i = 0; i < bytes.length; i++) bytes[i] = next32();
  return view;
}
Math.random = () => next32() / 2 ** 32;
let now = Date.UTC(2024, 0, 2, 3, 4, 5);
const RealDate = Date;
globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length) super(...args);
    else super(now++);
  }
  static now() {
    return now++;
  }
};
performance.now = () => now++ - Date.UTC(2024, 0, 2);
globalThis.crypto.getRandomValues = fill;
globalThis.crypto.randomUUID = () => '00000000-0000-4000-8000-000000000000';
crypto.webcrypto.getRandomValues = fill;
crypto.randomFillSync = (view) => fill(view);
crypto.randomBytes = (n) => fill(Buffer.alloc(n));
process.hrtime = Object.assign(() => [0, now++], { bigint: () => BigInt(now++) });
