import { observe, expect, require, text } from '../observe.mjs';

// napi-rs on WASI with threads: shared memory, workers with the same module.
const { parse, parseSync } = require('@oxc-parser/binding-wasm32-wasi');
const sources = { 'a.tsx': 'const x: A<B>[] = <C.D {...e} f="1">{g}&amp;</C.D> satisfies H as unknown; namespace N { export declare const z: unique symbol }', 'b.js': text('source-map/lib/source-map-consumer.js'),
  'c.mjs': 'export * as q from "y"; import.meta.url; for await (const x of y) { using z = x?.[0]?.() ?? 1n ** 2n }', 'bad.js': 'let = ; function (' };
const show = (r) => [r.program, r.errors, r.comments, r.module];
for (const [name, source] of Object.entries(sources)) {
  observe(`sync ${name}`, show(parseSync(name, source)));
  expect('a tree', parseSync(name, source).program);
}
const results = await Promise.all(Object.entries(sources).flatMap((e) => [e, e, e]).map(([name, source]) => parse(name, source)));
observe('in threads', results.map(show));
process.exit(0);
