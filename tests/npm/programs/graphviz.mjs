import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { observe, expect } from '../observe.mjs';

const graphviz = await Graphviz.load();
const edges = Array.from({ length: 60 }, (_, i) => `n${(i * 7) % 23} -> n${(i * 11 + 3) % 29} [label="${i}" weight=${i % 4}]`).join(';');
const dot = `digraph G { rankdir=LR; node [shape=record]; subgraph cluster_a { n1; n2 [label="{a|<p>b}" color=red]; n3 } ${edges} }`;
for (const engine of ['dot', 'neato', 'fdp', 'sfdp', 'circo', 'twopi', 'osage', 'patchwork']) for (const format of engine === 'dot' ? ['svg', 'plain', 'json', 'dot'] : ['svg']) {
  const out = graphviz.layout(dot, format, engine);
  expect('an output', out.length > 1000);
  observe(`${engine} ${format}`, out);
}
let message;
try { message = graphviz.layout('digraph {', 'svg', 'dot'); } catch (e) { message = String(e); }
observe('damaged', message);
