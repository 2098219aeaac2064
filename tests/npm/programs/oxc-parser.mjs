import { observe, expect, require, text } from '../observe.mjs';

const { parseSync } = require('@oxc-parser/wasm');
const sources = { 'a.tsx': 'enum E { A = 1 } abstract class K<T extends object = {}> { declare x: T; @d m?(this: K<T>): asserts x is string } const e = <A.B {...p} c="1">t{1}</A.B>; type M = { readonly [P in keyof T]?: T[P] extends infer U ? U : never };',
  'b.js': text('source-map/lib/source-map-consumer.js'), 'c.mjs': 'import d, * as n from "x" with { type: "json" }; export * as q from "y"; await using r = f(); for await (x of y) label: { break label } a ??= b?.[c]?.() ** 1_000n', 'bad.js': 'let = ; function (' };
for (const [sourceFilename, source] of Object.entries(sources)) {
  const r = parseSync(source, { sourceFilename, preserveParens: true });
  observe(sourceFilename, typeof r.program === 'string' ? r.program : [r.program]);
  observe(`${sourceFilename} rest`, [r.errors, r.comments]);
}
expect('a parser', sources);
