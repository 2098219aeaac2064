// Mixes the bodies of a module before and after, to find the function in which a difference arises.
//   node mix.mjs BEFORE.wasm AFTER.wasm OUT.wasm FROM TO     bodies FROM..TO-1 (numbers among defined functions) from AFTER
import fs from 'node:fs';
import { bodies, sections } from './scan.mjs';

const leb = (n) => {
  const out = [];
  do { out.push((n & 127) | (n > 127 ? 128 : 0)); n = Math.floor(n / 128); } while (n);
  return Buffer.from(out);
};

/** The module `after` with the bodies that `keep(index)` does not name taken from `before`. Sound as long as the optimizer
 *  leaves all indices as they are, and only adds types at the end. */
export function mix(before, after, keep) {
  const [old, young] = [bodies(before), bodies(after)];
  if (old.length !== young.length) throw new Error(`${old.length} functions before, ${young.length} after`);
  const parts = [leb(young.length)];
  for (let i = 0; i < young.length; i++) {
    const [bytes, range] = keep(i) ? [after, young[i]] : [before, old[i]];
    parts.push(leb(range.end - range.start), bytes.subarray(range.start, range.end));
  }
  const code = Buffer.concat(parts);
  const out = [after.subarray(0, 8)];
  for (const s of sections(after)) {
    const contents = s.id === 10 ? code : after.subarray(s.start, s.end);
    out.push(Buffer.from([s.id]), leb(contents.length), contents);
  }
  return Buffer.concat(out);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [before, after, out, from, to] = process.argv.slice(2);
  fs.writeFileSync(out, mix(fs.readFileSync(before), fs.readFileSync(after), (i) => i >= Number(from) && i < Number(to)));
}
