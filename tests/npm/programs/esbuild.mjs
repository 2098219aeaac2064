import { observe, expect, require, at } from '../observe.mjs';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

// The package's own command; it loads esbuild.wasm in this kind of process.
function run(label, args, input) {
  const r = spawnSync(process.execPath, [at('esbuild-wasm/bin/esbuild'), '--log-level=info', '--color=false', ...args], { input, maxBuffer: 1 << 27 });
  expect(`${label} ends by itself: ${r.signal} ${r.stderr}`, r.status !== null);
  observe(`${label} out`, r.stdout);
  observe(`${label} messages`, [r.status, String(r.stderr).replace(/ in \d+m?s|Done.*/g, '')]);
}
const ts = `import a, {b as c} from './x'; enum E { A = 1, B = A << 3 } class K<T> extends Map<string, T> { #p = 1; static s = 2; constructor(private x?: number) { super() }
 async *g() { for await (const [k, v] of this) yield k?.length ?? v } } const re = /a+?(?<n>b)/u; export default <T,>(x: T) => { label: for (;;) { if (x) break label } return { ...x, [c]: 1n ** 2n, f: 0.1 + 0.2 } };`;
run('ts', ['--loader=ts', '--target=es2015'], ts);
run('minified', ['--loader=ts', '--minify', '--sourcemap=inline', '--sourcefile=a.ts'], ts);
run('jsx', ['--loader=jsx', '--jsx=automatic', '--target=es2020'], 'export const A = ({x}) => <><B {...x} k="1">{x.map(y => <i>{y}&amp;</i>)}</B></>');
run('css', ['--loader=css', '--minify', '--target=chrome80'], '@media (min-width:1px){.a{color:rgb(255 0 0/50%);&:hover .b{inset:0 1px;margin:calc(1px + (2px*3))}}}');
run('error', ['--loader=js'], 'let x = ; await 1 +');
run('bundle', [at('yoga-layout/dist/src/index.js'), '--bundle', '--format=esm', '--platform=node', '--external:module'], '');
