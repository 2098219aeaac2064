// What a program of programs/ uses: `observe` prints one line for each thing seen, with the hash of all its bytes; the
// runner compares the lines of the run before with those of the run after.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const root = path.dirname(new URL(import.meta.url).pathname);
/** `require` from the folder with the packages. */
export const require = createRequire(path.join(root, 'any.js'));
/** The path of a file in a package. */
export const at = (file) => path.join(root, 'node_modules', file);
/** The bytes of a file in a package. */
export const bytes = (file) => new Uint8Array(fs.readFileSync(at(file)));
/** The text of a file in a package. */
export const text = (file) => fs.readFileSync(at(file), 'utf8');
/** The file as a URL for `import()`. */
export const url = (file) => 'file://' + at(file);

let count = 0;
/** Prints a line for a string, bytes, or anything that JSON can say. */
export function observe(label, value) {
  let data = value;
  if (value instanceof ArrayBuffer) data = new Uint8Array(value);
  else if (ArrayBuffer.isView(value)) data = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else if (typeof value !== 'string')
    data = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n`
      : ArrayBuffer.isView(v) && !(v instanceof DataView) ? Array.from(v)
      : typeof v === 'number' && !Number.isFinite(v) ? String(v) : v)) ?? 'undefined';
  data = Buffer.from(data);
  if (data.length === 0) label += ' (empty)';
  const hash = crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);
  console.log(`${label} ${data.length} ${hash}`);
  if (process.env.LOOM_NPM_DUMP)
    fs.writeFileSync(path.join(process.env.LOOM_NPM_DUMP, `${count++}-${label.replace(/\W+/g, '_')}`), data);
}

/** Fails the program if something that must hold before and after does not. */
export function expect(what, condition) {
  if (!condition) throw new Error(`expected: ${what}`);
}

/** `n` bytes: text-like with repetitions, then noise; the same for the same arguments. */
export function sample(n, seed = 1) {
  const words = 'loom weft warp shuttle bobbin heddle reed treadle selvage pick'.split(' ');
  const out = new Uint8Array(n);
  let s = seed >>> 0 || 1;
  const draw = () => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0) >>> 8;
  for (let i = 0; i < n;) {
    if (i < n * 0.7) for (const c of words[draw() % words.length] + ' ') { if (i < n) out[i++] = c.charCodeAt(0); }
    else out[i++] = draw();
  }
  return out;
}

/** An RGBA picture: gradients, a disc, and noise in one corner. */
export function picture(width, height) {
  const data = new Uint8ClampedArray(width * height * 4);
  const noise = sample(width * height, 7);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const i = (y * width + x) * 4;
    const disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (width / 4) ** 2;
    data.set([disc ? 250 : (x * 255) / width, (y * 255) / height, x < 16 && y < 16 ? noise[y * width + x] : 128, 255], i);
  }
  return { data, width, height, colorSpace: 'srgb' };
}
