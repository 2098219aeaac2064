// The runner behind run.sh: collects modules, optimizes them, validates, runs the programs before and after, compares.
// Nothing that a package does runs in this process; every step has a time limit. What was done for the same optimizer and the
// same bytes is not done again.
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './process.mjs';
import { isModule, scan } from './scan.mjs';
import { tables } from './tables.mjs';

const dir = path.resolve(process.argv[2]);
const flags = new Map();
for (let i = 3; i < process.argv.length; i += 2) flags.set(process.argv[i].replace(/^--/, ''), process.argv[i + 1]);
const loom = process.env.LOOM_BIN;
const jobs = flags.get('jobs') ?? String(os.availableParallelism());
const only = flags.get('only')?.split(',');
const static_ = only?.includes('static');
const maxBytes = Number(flags.get('max-bytes') ?? 3e6);
const optimizeLimit = Number(flags.get('seconds') ?? 900);

/** The option sets, by name. */
const OPTIONS = {
  plain: ['--no-revert'],
  size: ['--egraph', '-Oz'],
  speed: ['--egraph', '-O3'],
  chaos: ['--egraph', '-O3', '--no-revert', '--chaos', '1'],
};
const sets = (flags.get('options') ?? 'plain,size,speed,chaos').split(',');
for (const s of sets) if (!OPTIONS[s]) throw new Error(`no options are called ${s}: ${Object.keys(OPTIONS).join(', ')}`);

const sha = (data) => crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);
const folder = (...names) => {
  const f = path.join(dir, ...names);
  fs.mkdirSync(f, { recursive: true });
  return f;
};
const inputs = folder('modules');
const version = sha(fs.readFileSync(loom));
const findings = [];
function finding(text) {
  findings.push(text);
  console.log(`FINDING ${text}`);
}

/** Files ending in .wasm under a folder, in the order of their names. */
function* wasmFiles(at) {
  for (const e of fs.readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const f = path.join(at, e.name);
    if (e.isDirectory()) yield* wasmFiles(f);
    else if (e.isFile() && e.name.endsWith('.wasm')) yield f;
  }
}

/** Optimizes one module, unless that was done; the record of it. */
function optimize(set, hash) {
  const out = path.join(folder('out', set), `${hash}.wasm`);
  const record = out.replace(/wasm$/, 'json');
  if (fs.existsSync(record)) {
    const old = JSON.parse(fs.readFileSync(record, 'utf8'));
    if (old.version === version && old.options === OPTIONS[set].join(' ')) return old;
  }
  fs.rmSync(out, { force: true });
  const report = out.replace(/wasm$/, 'report.json');
  fs.rmSync(report, { force: true });
  const input = path.join(inputs, `${hash}.wasm`);
  // CPU seconds, so that the figures do not depend on what else runs: the shell's own `time` says them last.
  const timed = 'TIMEFORMAT="%U %S"; time timeout -s KILL "$@"';
  const r = spawnSync('bash', ['-c', timed, 'time', String(optimizeLimit), loom, ...OPTIONS[set], '-j', jobs, input, '-o', out, '--report', report]);
  const messages = String(r.stderr).trim().split('\n');
  const [user, system] = messages.pop().split(' ').map(Number);
  const result = { version, options: OPTIONS[set].join(' '), seconds: user + system };
  if (r.status !== 0) result.error = `exit ${r.status} ${messages.join(' ').slice(0, 600)}`;
  else {
    const bytes = fs.readFileSync(out);
    result.bytes = bytes.length;
    const { functions, limits, notes, code_bytes } = JSON.parse(fs.readFileSync(report, 'utf8'));
    Object.assign(result, { functions, limits, notes, code: code_bytes });
    if (!WebAssembly.validate(bytes)) result.error = 'V8 finds the output invalid';
  }
  fs.writeFileSync(record, JSON.stringify(result));
  return result;
}

/** The key of what a run's outcome depends on, beside the modules: the program and what is loaded with it. */
const harness = sha(Buffer.concat(['preload.cjs', 'observe.mjs', 'scripts.mjs', 'installed.json'].map((f) => fs.readFileSync(path.join(dir, f)))));
function remembered(program, name, more, compute) {
  const file = path.join(folder('runs'), `${program}-${name}.json`);
  const key = sha(`${harness} ${fs.readFileSync(path.join(dir, 'programs', `${program}.mjs`))} ${more}`);
  if (fs.existsSync(file)) {
    const old = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (old.key === key) return old.result;
  }
  const result = compute();
  if (!result.error) fs.writeFileSync(file, JSON.stringify({ key, result }));
  return result;
}

/** What of a record someone must look at. */
function complaints(result) {
  if (result.error) return [result.error];
  const bad = /lower|extract-refused|panic|refused|liveness|live ranges/;
  return [
    ...Object.entries({ ...result.limits, ...result.functions.reasons }).filter(([k]) => bad.test(k)).map(([k, n]) => `${k}: ${n}`),
    ...result.notes.filter((n) => /invalid|validate|kept/.test(n)),
  ];
}

// 1. The programs as they are, twice: what they do must not depend on the run. This also shows the modules inside scripts.
const programs = fs.readdirSync(path.join(dir, 'programs')).map((f) => f.replace(/\.mjs$/, '')).sort()
  .filter((p) => !only || only.includes(p));
const before = new Map();
for (const program of programs) {
  const first = remembered(program, 'first', '', () => run(dir, program, { LOOM_NPM_RECORD: inputs }));
  const second = remembered(program, 'second', '', () => run(dir, program, {}));
  if (first.error) finding(`${program} does not run as it is: ${first.error}`);
  else if (first.lines.join() !== second.lines.join()) finding(`${program} is not the same twice as it is`);
  else if (first.seen.length === 0) finding(`${program} compiles no module`);
  else before.set(program, first);
  console.log(`${program}: ${first.lines.length} observations, ${first.seen.length} modules, ${first.seconds.toFixed(1)} s`);
}

// 2. All modules: those in files, then those that only a program showed.
const modules = new Map();
const { languages } = JSON.parse(fs.readFileSync(new URL('packages.json', import.meta.url), 'utf8'));
for (const file of wasmFiles(path.join(dir, 'node_modules'))) {
  const name = path.relative(path.join(dir, 'node_modules'), file);
  const packageName = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
  const bytes = fs.readFileSync(file);
  if (!languages[packageName] || !isModule(bytes)) continue;
  const hash = sha(bytes);
  if (!modules.has(hash)) {
    modules.set(hash, { hash, name, bytes: bytes.length, language: languages[packageName], copies: 1, programs: [] });
    fs.writeFileSync(path.join(inputs, `${hash}.wasm`), bytes);
  } else modules.get(hash).copies++;
}
for (const [program, { seen }] of before) for (const hash of seen.map((s) => s.split(' ')[0])) {
  if (!modules.has(hash)) {
    const bytes = fs.statSync(path.join(inputs, `${hash}.wasm`)).size;
    modules.set(hash, { hash, name: `(in ${program})`, bytes, language: '', copies: 1, programs: [] });
  }
  modules.get(hash).programs.push(program);
}
const chosen = [...modules.values()].filter((m) => (only && !static_ ? m.programs.length : m.bytes <= maxBytes || m.programs.length))
  .sort((a, b) => (a.name < b.name ? -1 : 1));
for (const m of chosen) Object.assign(m, scan(fs.readFileSync(path.join(inputs, `${m.hash}.wasm`))), { results: {} });
console.log(`${chosen.length} modules of ${modules.size}, ${Math.round(chosen.reduce((n, m) => n + m.bytes, 0) / 1e6)} MB; optimizer ${version}`);

// 3. Each set of options: optimize and validate all, then run what uses them.
for (const set of sets) {
  for (const m of chosen) {
    if (!WebAssembly.validate(fs.readFileSync(path.join(inputs, `${m.hash}.wasm`)))) m.invalid = true;
    const result = (m.results[set] = optimize(set, m.hash));
    if (m.invalid && /V8 finds/.test(result.error)) delete result.error;
    for (const c of complaints(result)) finding(`${m.name} (${m.hash}) ${set}: ${c}`);
    if (result.seconds > 60) console.log(`slow: ${m.name} ${set}: ${result.seconds.toFixed(0)} s for ${m.bytes} bytes`);
  }
  for (const [program, old] of before) {
    const young = remembered(program, set, `${version} ${OPTIONS[set]}`, () => run(dir, program, { LOOM_NPM_SWAP: path.join(dir, 'out', set) }));
    const missing = young.seen.filter((s) => s.endsWith(' found'));
    old.after ??= {};
    if (young.error) old.after[set] = `ends otherwise: ${young.error}`;
    else if (young.lines.join('\n') !== old.lines.join('\n')) {
      const at = old.lines.findIndex((l, i) => l !== young.lines[i]);
      old.after[set] = `differs from line ${at}: ${old.lines[at]} before, ${young.lines[at]} after`;
    } else if (missing.length) old.after[set] = `ran with the old ${missing.join(', ')}`;
    if (old.after[set]) finding(`${program} ${set}: ${old.after[set]}`);
    else console.log(`${program} ${set}: equal, ${young.seconds.toFixed(1)} s`);
  }
}

const text = tables(chosen, before, sets, OPTIONS);
fs.writeFileSync(flags.get('table') ?? path.join(dir, 'table.md'), text);
console.log(text);
console.log(findings.map((f) => `FINDING ${f}`).join('\n'));
const runs = before.size * sets.length;
const different = [...before.values()].reduce((n, b) => n + Object.values(b.after).filter(Boolean).length, 0);
console.log(`${runs - different} passed, ${findings.length} failed`);
process.exitCode = findings.length ? 1 : 0;
