// The control: do the programs notice a wrong module? In each of N tries one `i32.add` of one function becomes an `i32.sub`, which no
// validator sees. What is not noticed was in a function that the program does not run, or made no difference to what it saw.
//   node control.mjs DIR N [PROGRAM,PROGRAM]     after a run of the runner; ends with 1 if a program notices nothing at all
import fs from 'node:fs';
import path from 'node:path';
import { run } from './process.mjs';
import { operators } from './scan.mjs';

const dir = path.resolve(process.argv[2]);
const tries = Number(process.argv[3]);
const programs = process.argv[4]?.split(',') ?? fs.readdirSync(path.join(dir, 'programs')).map((f) => f.replace(/\.mjs$/, '')).sort();
const [ADD, SUB] = [0x6a, 0x6b];
let state = 20240229;
const draw = (n) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
const swap = path.join(dir, 'control');
let [noticed, all] = [0, 0];
for (const program of programs) {
  const before = run(dir, program, {});
  const hashes = before.seen.map((s) => s.split(' ')[0]).filter((h) => fs.existsSync(path.join(dir, 'modules', `${h}.wasm`)));
  let count = 0;
  for (let i = 0; i < tries; i++) {
    fs.rmSync(swap, { recursive: true, force: true });
    fs.mkdirSync(swap);
    for (const hash of hashes) {
      const bytes = fs.readFileSync(path.join(dir, 'modules', `${hash}.wasm`));
      const functions = operators(bytes, ADD);
      if (functions.length === 0) continue;
      const places = functions[draw(functions.length)];
      bytes[places[draw(places.length)]] = SUB;
      fs.writeFileSync(path.join(swap, `${hash}.wasm`), bytes);
    }
    const after = run(dir, program, { LOOM_NPM_SWAP: swap });
    if (after.error || after.lines.join('\n') !== before.lines.join('\n')) count++;
  }
  console.log(`${program}: ${count} of ${tries} noticed`);
  noticed += count;
  all += tries;
  if (count === 0) process.exitCode = 1;
}
console.log(`${noticed} of ${all} noticed`);
