import { Parser, Language, Query } from 'web-tree-sitter';
import { observe, expect, bytes } from '../observe.mjs';

await Parser.init();
const sources = {
  json: '{"a": [1, 2.5e3, true, null, "\\u00e9"], "b": {}}', javascript: 'async function* f({ a, ...b }, c = `x${1}y`) { for await (const d of e) yield* d?.[0] ?? /r[/]/g; } class A extends (B, C) { static #p = 1n; get x() {} }',
  python: 'def f(x, *a, **k):\n  """d"""\n  return [y for y in x if y] or {1: f"{x!r:>3}"}\nclass A(B): pass\nasync def g():\n  await h(*a)\n',
  go: 'package main\nfunc (r *T) F(x ...int) (y chan<- int, err error) { go func() { defer x() }(); select { case <-y: } }', rust: 'impl<T: Fn(u8) -> u8> A<\'a, T> { fn f(&self) -> R { match x { 1..=9 | 0xff_u8 => r#"s"#, _ => m![a] } } }',
  c: '#define X(a) a##b\nint main(void) { int (*f)(char) = 0; for (;;) { if (x) goto e; } e: return sizeof(struct { int x : 3; }); }', html: '<!doctype html><p class=a>x<br><script>let y = "</p>"</script>',
  css: '@media print { a:not(.b)::after { content: "\\2014"; width: calc(1px*2) } }', lua: 'local t = {1, a=2, [3]=function(...) return ... end} for i = 1, #t do goto x ::x:: end',
  toml: 'a = 1979-05-27T07:32:00Z\n[b."c d"]\ne = [1, """\nx"""]\n', bash: 'for i in $(ls); do echo "${i%.*}" | cat <<E\n$x\nE\ndone', java: 'class A<T> { int x = 1; @O <R> R f() throws E { return y -> z::new; } }',
};
for (const [language, source] of Object.entries(sources)) {
  const parser = new Parser();
  const grammar = await Language.load(bytes(`tree-sitter-wasms/out/tree-sitter-${language}.wasm`));
  parser.setLanguage(grammar);
  const tree = parser.parse(source);
  expect('a tree', tree.rootNode.childCount > 0);
  observe(`${language} tree`, tree.rootNode.toString());
  // An edit and the reparse that reuses the old tree, then a piece that has errors.
  const edited = source.slice(0, 5) + ' x ' + source.slice(5);
  const at5 = { row: 0, column: 5 };
  tree.edit({ startIndex: 5, oldEndIndex: 5, newEndIndex: 8, startPosition: at5, oldEndPosition: at5, newEndPosition: { row: 0, column: 8 } });
  observe(`${language} edited`, parser.parse(edited, tree).rootNode.toString());
  observe(`${language} cut`, parser.parse(source.slice(0, source.length / 2)).rootNode.toString());
  observe(`${language} long`, parser.parse((source + '\n').repeat(40)).rootNode.toString());
  const nodes = tree.rootNode.descendantsOfType(['identifier', 'string', 'number']).map((n) => [n.type, n.startIndex, n.endPosition]);
  observe(`${language} nodes`, nodes);
  observe(`${language} query`, new Query(grammar, '(_) @x').captures(tree.rootNode).map((c) => [c.name, c.node.id && c.node.type]));
}
