// node --no-liftoff speed.mjs HOST|- N ROUNDS LEAST_MS name=file.wasm ...    (called by speed.py)
// A file with the name `-` is loaded and not timed.
// Times run(N) of each file in V8, in turns, CPU time of the thread, best of the rounds; N grows until a run of the first file takes
// LEAST_MS. HOST is ../shared/fused/host.mjs, which gives a fused program its resource handles; `-` for modules without
// imports. Prints {n, best: {name: ms}, results: {name: run(n)}} as JSON.
import fs from 'fs';
import path from 'path';
import { pathToFileURL } from 'url';

const [host, first, rounds, least, ...files] = process.argv.slice(2);
const fused = host === '-' ? null : await import(pathToFileURL(path.resolve(host)).href);
// CPU time of this thread, so that others on the machine count little. Linux brings the thread's value up to date only at a tick of the
// scheduler (4 ms, a tenth of a run), or when that of the process is asked for: therefore cpuUsage() first.
const cpu = () => { process.cpuUsage(); const t = process.threadCpuUsage(); return (t.user + t.system) / 1000; };
const timed = (run, n) => { const start = cpu(); run(n); return cpu() - start; };

const load = file => fused
  ? fused.instantiate(file).run
  : (run => n => BigInt.asUintN(64, run(n)))(new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(file))).exports.run);
const runs = {}, idle = [];
for (const [name, file] of files.map(f => f.split(/=(.*)/s)))
  if (name === '-') idle.push(load(file)); else runs[name] = load(file);

const names = Object.keys(runs);
let n = +first;
for (let i = 0; i < 2; i++) timed(runs[names[0]], n); // Code is compiled at its first call.
for (let ms; (ms = timed(runs[names[0]], n)) < +least;)
  n = Math.max(n + 1, Math.min(8 * n, Math.floor(n * 1.2 * least / Math.max(ms, 0.01))));

const results = Object.fromEntries(names.map(name => [name, String(runs[name](n))]));
for (const name of names) runs[name](n);
const best = {};
for (let i = 0; i < +rounds; i++) {
  for (const name of names) best[name] = Math.min(best[name] ?? Infinity, timed(runs[name], n));
  names.push(names.shift());
}
console.log(JSON.stringify({ n, best, results }));
