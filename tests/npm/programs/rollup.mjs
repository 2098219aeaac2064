import { rollup } from '@rollup/wasm-node';
import { observe, text, at } from '../observe.mjs';

const files = {
  main: `import { used, Shape } from 'a'; import * as ns from 'b'; export const x = used(1) + ns.deep.value; export class Square extends Shape { static { this.k = 1 } get area() { return this.s ** 2 } }
    const lazy = () => import('c'); export { lazy as default }; if (false) { dead() } label: for (const [k, v] of Object.entries(ns)) { if (!v) continue label; }`,
  a: 'export function used(n) { return n?.toFixed?.(2) ?? `t${n}`; } export function unused() { sideEffect() } export class Shape { #p = 1; has(o) { return #p in o } }',
  b: 'export const deep = { value: 1n << 3n, [Symbol.iterator]: async function* () { yield* [] } }; export let counter = 0; export const inc = () => counter++;',
  c: 'import { counter, inc } from "b"; inc(); export default /re[/]gex/giu.test("x") ? counter : 0x1f;',
};
const plugin = { name: 'memory', resolveId: (id) => (id in files ? id : undefined), load: (id) => files[id] };
for (const format of ['es', 'cjs', 'system']) {
  const bundle = await rollup({ input: 'main', plugins: [plugin], onwarn() {} });
  const { output } = await bundle.generate({ format, exports: 'named', sourcemap: true, entryFileNames: '[name]-[hash].js' });
  for (const o of output) observe(`${format} ${o.fileName}`, [o.code ?? o.source, o.map?.mappings]);
}
const large = await rollup({ input: at('xxhash-wasm/esm/xxhash-wasm.js'), onwarn() {} });
observe('a package', (await large.generate({ format: 'es', compact: true })).output[0].code);
const parsed = (await import('@rollup/wasm-node/parseAst')).parseAst(text('argon2-browser/lib/argon2.js'));
observe('syntax tree', parsed);
const message = await rollup({ input: 'x', plugins: [{ name: 'bad', resolveId: () => 'x', load: () => 'let a = ; }' }] }).catch((e) => e.message);
observe('error', message);
