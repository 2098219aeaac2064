import { observe, require, bytes, text } from '../observe.mjs';

const onig = require('vscode-oniguruma');
await onig.loadWASM(bytes('vscode-oniguruma/release/onig.wasm').buffer);
const patterns = ['\\b(function|return|const)\\b', '(?<=\\.)\\w+(?=\\()', '"(?:[^"\\\\]|\\\\.)*"', '(?x) //  .* $', '\\G\\s*(\\d+(?:\\.\\d+)?)', '(?i:module)\\s*=\\s*(\\w+)', '(\\{)(?~\\})', '\\p{Lu}\\p{Ll}+', '(a|b\\g<1>c)', '(?<q>[\'"]).*?\\k<q>'];
const lines = text('vscode-oniguruma/release/main.js').slice(0, 30000).match(/[^]{1,400}/g);
for (const [i, p] of [...patterns.map((p) => [p]), patterns].entries()) {
  const scanner = new onig.OnigScanner(p);
  const found = [];
  for (const line of lines) {
    const s = new onig.OnigString(line);
    for (let at = 0, m; (m = scanner.findNextMatchSync(s, at)) && found.length < 5000;) {
      found.push(m.index, ...m.captureIndices.flatMap((c) => [c.start, c.end]));
      at = Math.max(m.captureIndices[0].end, at + 1);
    }
    s.dispose();
  }
  observe(`scanner ${i}`, found);
  scanner.dispose();
}
let message;
try { new onig.OnigScanner(['(']); } catch (e) { message = e.message; }
observe('bad', message);
