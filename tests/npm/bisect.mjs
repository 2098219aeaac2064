// Finds the function whose new body makes a program differ, and writes the two modules that differ in it alone.
//   node bisect.mjs DIR PROGRAM SET HASH      names as in the runner's finding; the modules are those of its last run
import fs from 'node:fs';
import path from 'node:path';
import { mix } from './mix.mjs';
import { run } from './process.mjs';
import { bodies } from './scan.mjs';

const [dir, program, set, hash] = [path.resolve(process.argv[2]), ...process.argv.slice(3)];
const before = fs.readFileSync(path.join(dir, 'modules', `${hash}.wasm`));
const after = fs.readFileSync(path.join(dir, 'out', set, `${hash}.wasm`));
const swap = path.join(dir, 'bisect');
fs.rmSync(swap, { recursive: true, force: true });
fs.mkdirSync(swap);
const file = path.join(swap, `${hash}.wasm`);

/** What the program prints with the functions `from..to` from the optimized module. */
function behaviour(from, to) {
  fs.writeFileSync(file, mix(before, after, (i) => i >= from && i < to));
  const { lines, error } = run(dir, program, { LOOM_NPM_SWAP: swap });
  return error ?? lines.join('\n');
}

const count = bodies(before).length;
const expected = behaviour(0, 0);
// The smallest number of functions, from the first, with which it differs: the last of them is at fault.
let [low, high] = [0, count];
if (behaviour(0, count) === expected) {
  console.log('no difference with the code of this module alone');
  process.exit(1);
}
while (high - low > 1) {
  const middle = (low + high) >> 1;
  if (behaviour(0, middle) === expected) low = middle;
  else high = middle;
}
const alone = behaviour(low, high) !== expected;
const out = path.join(swap, 'one-function.wasm');
fs.renameSync(file, out);
console.log(`defined function ${low} of ${count} is at fault${alone ? '' : ' together with earlier ones'}: ${out} has its new body`);
