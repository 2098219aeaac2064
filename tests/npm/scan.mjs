// What a module is made of, read from its bytes: the features it uses, and the tools that made it.
// It knows all of WebAssembly 3.0, threads, and legacy exceptions.

class Reader {
  constructor(bytes, at = 0, end = bytes.length) { Object.assign(this, { bytes, at, end }); }
  byte() {
    if (this.at >= this.end) throw new Error('the module ends early');
    return this.bytes[this.at++];
  }
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      value += (b & 127) * 2 ** shift;
      if (b < 128) return value;
    }
  }
  leb() { while (this.byte() >= 128); }
  name() {
    const n = this.u32();
    this.at += n;
    return Buffer.from(this.bytes.subarray(this.at - n, this.at)).toString();
  }
}

const HEAP = new Set([0x63, 0x64]);

/** Skips one operator's immediates and notes the features in it. */
function operator(r, has) {
  const skip = (n) => { for (; n > 0; n--) r.leb(); };
  const memarg = () => {
    const flags = r.u32();
    if (flags & 64) { if (r.u32()) has.add('multi-memory'); }
    r.leb();
  };
  const blockType = () => {
    const b = r.bytes[r.at];
    if (HEAP.has(b)) r.at++;
    else if (b < 64) has.add('multi-value blocks');
    r.leb();
  };
  const op = r.byte();
  if (op <= 0x04 || op === 0x06) {
    if (op >= 0x02) blockType();
    if (op === 0x06) has.add('legacy exceptions');
  } else if (op === 0x07 || op === 0x18 || op === 0x09 || op === 0x19) {
    has.add('legacy exceptions');
    if (op !== 0x19) r.leb();
  } else if (op === 0x08) { has.add('exceptions'); r.leb(); }
  else if (op === 0x0a) has.add('exceptions with exnref');
  else if (op === 0x0c || op === 0x0d || op === 0x10) r.leb();
  else if (op === 0x0e) skip(r.u32() + 1);
  else if (op === 0x11) skip(2);
  else if (op === 0x12) { has.add('tail calls'); r.leb(); } else if (op === 0x13) { has.add('tail calls'); skip(2); }
  else if (op === 0x14) { has.add('function references'); r.leb(); } else if (op === 0x15) { has.add('tail calls'); r.leb(); }
  else if (op === 0x1c) {
    for (let n = r.u32(); n > 0; n--) { if (HEAP.has(r.bytes[r.at])) r.at++; r.leb(); }
  } else if (op === 0x1f) {
    has.add('exceptions with exnref');
    blockType();
    for (let n = r.u32(); n > 0; n--) skip(r.byte() < 2 ? 2 : 1);
  } else if (op >= 0x20 && op <= 0x24) r.leb();
  else if (op === 0x25 || op === 0x26) { has.add('reference types'); r.leb(); }
  else if (op >= 0x28 && op <= 0x3e) memarg();
  else if (op === 0x3f || op === 0x40) r.leb();
  else if (op === 0x41 || op === 0x42) r.leb();
  else if (op === 0x43) r.at += 4;
  else if (op === 0x44) r.at += 8;
  else if (op >= 0xc0 && op <= 0xc4) has.add('sign extension');
  else if (op === 0xd0 || op === 0xd2) { has.add('reference types'); r.leb(); }
  else if (op === 0xd1) has.add('reference types');
  else if (op === 0xd3 || op === 0xd4) has.add('function references');
  else if (op === 0xd5 || op === 0xd6) { has.add('function references'); r.leb(); }
  else if (op === 0xfb) {
    has.add('GC');
    const sub = r.u32();
    if (sub === 0x18 || sub === 0x19) { r.byte(); skip(3); }
    else if (sub >= 0x1a && sub <= 0x1e || sub === 0x0f) skip(0);
    else if (sub >= 0x02 && sub <= 0x05 || sub === 0x08 || sub === 0x09 || sub === 0x0a || (sub >= 0x11 && sub <= 0x13)) skip(2);
    else skip(1);
  } else if (op === 0xfc) {
    const sub = r.u32();
    if (sub < 8) has.add('saturating conversions');
    else if (sub < 12) has.add('bulk memory');
    if (sub === 8 || sub === 10 || sub === 12 || sub === 14) skip(2);
    else if (sub >= 8 && sub < 18) skip(1);
    if (sub >= 15 && sub < 18) has.add('reference types');
    if (sub >= 19) has.add('wide arithmetic');
  } else if (op === 0xfd) {
    has.add('SIMD');
    const sub = r.u32();
    if (sub <= 11 || sub === 92 || sub === 93) memarg();
    else if (sub === 12 || sub === 13) r.at += 16;
    else if (sub >= 21 && sub <= 34) r.at += 1;
    else if (sub >= 84 && sub <= 91) { memarg(); r.at += 1; }
    if (sub >= 0x100) has.add('relaxed SIMD');
  } else if (op === 0xfe) {
    has.add('atomics');
    if (r.u32() === 3) r.at += 1;
    else memarg();
  }
}

/** Skips the body of one function, locals first. */
function body(r, end, has) {
  for (let n = r.u32(); n > 0; n--) { r.u32(); if (HEAP.has(r.bytes[r.at])) r.at++; r.leb(); }
  while (r.at < end) operator(r, has);
  if (r.at !== end) throw new Error('a body was not understood');
}

/** The offsets of the operators with this code (one byte) in a module, for each of its functions that have any. */
export function operators(bytes, code) {
  const out = [];
  for (const { start, end } of bodies(bytes)) {
    const r = new Reader(bytes, start, end);
    for (let n = r.u32(); n > 0; n--) { r.u32(); if (HEAP.has(r.bytes[r.at])) r.at++; r.leb(); }
    const found = [];
    while (r.at < end) {
      const at = r.at;
      operator(r, new Set());
      if (bytes[at] === code) found.push(at);
    }
    if (found.length) out.push(found);
  }
  return out;
}

/** The sections of a module: id, start and end of the contents. */
export function sections(bytes) {
  const r = new Reader(bytes, 8);
  const out = [];
  while (r.at < bytes.length) {
    const id = r.byte();
    const size = r.u32();
    out.push({ id, start: r.at, end: r.at + size });
    r.at += size;
  }
  return out;
}

/** Start and end of each function's entry in the code section, without its size. */
export function bodies(bytes) {
  const code = sections(bytes).find((s) => s.id === 10);
  if (!code) return [];
  const r = new Reader(bytes, code.start);
  return Array.from({ length: r.u32() }, () => {
    const size = r.u32();
    r.at += size;
    return { start: r.at - size, end: r.at };
  });
}

/** Whether the bytes are a core module. */
export function isModule(bytes) {
  return bytes.length >= 8 && Buffer.from(bytes.subarray(0, 8)).equals(Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]));
}

/** `{ features, producers, functions }` of a module. */
export function scan(bytes) {
  const has = new Set();
  let producers = '';
  const limits = (r, what) => {
    const flags = r.byte();
    if (flags & 2) has.add('shared memory');
    if (flags & 4) has.add(`${what}64`);
    r.leb();
    if (flags & 1) r.leb();
  };
  let memories = 0;
  for (const s of sections(bytes)) {
    const r = new Reader(bytes, s.start, s.end);
    if (s.id === 0 && r.name() === 'producers') {
      for (let n = r.u32(); n > 0; n--) {
        const field = r.name();
        for (let k = r.u32(); k > 0; k--) {
          const [name, version] = [r.name(), r.name()];
          if (field === 'language' || field === 'processed-by') producers += `${name} ${version.split(' (')[0]}; `;
        }
      }
    } else if (s.id === 2) {
      for (let n = r.u32(); n > 0; n--) {
        const [from] = [r.name(), r.name()];
        if (from === 'wasm:js-string') has.add('JS strings');
        const kind = r.byte();
        if (kind === 1) { if (HEAP.has(r.bytes[r.at])) r.at++; r.leb(); limits(r, 'table'); }
        else if (kind === 2) { memories++; limits(r, 'memory'); }
        else if (kind === 3) { if (HEAP.has(r.bytes[r.at])) r.at++; r.leb(); r.byte(); }
        else if (kind === 4) { r.byte(); r.leb(); }
        else r.leb();
      }
    } else if (s.id === 5) for (let n = r.u32(); n > 0; n--) { memories++; limits(r, 'memory'); }
    else if (s.id === 4 && r.u32() > 1) has.add('several tables');
    else if (s.id === 13) has.add('exceptions');
  }
  if (memories > 1) has.add('multi-memory');
  const all = bodies(bytes);
  try {
    for (const { start, end } of all) body(new Reader(bytes, start, end), end, has);
  } catch (e) {
    has.add(`not scanned (${e.message})`);
  }
  return { features: [...has].sort(), producers: producers.replace(/; $/, ''), functions: all.length };
}
