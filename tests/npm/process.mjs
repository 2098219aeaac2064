// Runs a program of programs/ in a process of its own, with all its modules recorded or exchanged on the way (preload.cjs).
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Milliseconds after which a program is ended. */
const LIMIT = 300_000;

/** `{ lines, error, seen, seconds }`: what it printed, how it failed, and a line for each module that it compiled. */
export function run(dir, program, env) {
  const seen = path.join(dir, `seen-${process.pid}`);
  fs.rmSync(seen, { force: true });
  const { LOOM_NPM_SWAP, LOOM_NPM_RECORD, ...rest } = process.env;
  const started = performance.now();
  const r = spawnSync(process.execPath, [path.join(dir, 'programs', `${program}.mjs`)], {
    cwd: dir, timeout: LIMIT, killSignal: 'SIGKILL', maxBuffer: 1 << 28,
    env: { ...rest, ...env, NODE_OPTIONS: `--require=${path.join(dir, 'preload.cjs')}`, LOOM_NPM_SEEN: seen },
  });
  const modules = fs.existsSync(seen) ? fs.readFileSync(seen, 'utf8').trim().split('\n') : [];
  fs.rmSync(seen, { force: true });
  return {
    lines: String(r.stdout).trim().split('\n'),
    error: r.status === 0 ? undefined : `${r.signal ?? r.error?.code ?? `exit ${r.status}`} ${String(r.stderr).slice(0, 400)}`,
    seen: [...new Set(modules)].sort(),
    seconds: (performance.now() - started) / 1000,
  };
}
