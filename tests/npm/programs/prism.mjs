import { loadPrism } from '@ruby/prism';
import { observe } from '../observe.mjs';

const parse = await loadPrism();
const ruby = `class A < B::C\n  attr_reader :x, *y\n  def m(a, b = 1, *c, d:, e: 2, **f, &g) = a&.b ||= %w[x y].map { |i, (j, k)| _1 rescue nil }\n  begin; raise "a#{b}c" unless x =~ /r(?<n>\\d)/mix; ensure puts <<~E, 1i, 2r; end\n    t #{1 + 2}\n  E\nend\n
case [1, {k: v}] in [Integer => n, {k:}] if n > 1 then ->(x) { yield x } else __FILE__ end\nBEGIN { $0 } ; for a, b in c do redo end while true..; \`ls\`; alias $n $o; defined? @@z; x = *1, 2; ?a; "ä"\n`;
const show = (r) => JSON.stringify(r.value, (k, v) => (typeof v === 'bigint' ? `${v}n` : v));
for (const [i, source] of [ruby, ruby.repeat(20), 'def f(', '1 +', ''].entries()) {
  const r = parse(source);
  observe(`tree ${i}`, show(r));
  observe(`rest ${i}`, [r.errors, r.warnings, r.comments, r.magicComments]);
}
