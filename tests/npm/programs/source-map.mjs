import { observe, expect, require, at } from '../observe.mjs';
import fs from 'node:fs';
import zlib from 'node:zlib';

const { SourceMapConsumer, SourceMapGenerator } = require('source-map');
const own = fs.existsSync(at('source-map/dist/source-map.debug.js.map'));
const generator = new SourceMapGenerator({ file: 'out.js' });
let s = 12345;
const draw = (n) => (s = (Math.imul(s, 1103515245) + 12345) >>> 0) % n;
for (let line = 1; line < 800; line++) for (let k = 0, column = 0; k < draw(9); k++) {
  column += 1 + draw(40);
  generator.addMapping({ generated: { line, column }, source: `f${draw(5)}.js`, name: draw(3) ? undefined : `n${draw(50)}`,
    original: { line: 1 + draw(500), column: draw(120) } });
}
const map = generator.toString();
observe('map', map);
await SourceMapConsumer.with(map, null, (consumer) => {
  const all = [];
  consumer.eachMapping((m) => all.push([m.source, m.generatedLine, m.generatedColumn, m.originalLine, m.originalColumn, m.name]));
  expect('mappings', all.length > 2000);
  observe('generated order', all);
  const byOriginal = [];
  consumer.eachMapping((m) => byOriginal.push([m.source, m.originalLine, m.generatedLine]), null, SourceMapConsumer.ORIGINAL_ORDER);
  observe('original order', byOriginal);
  for (const bias of [SourceMapConsumer.GREATEST_LOWER_BOUND, SourceMapConsumer.LEAST_UPPER_BOUND]) {
    const found = [];
    for (let i = 0; i < 2000; i++) found.push(consumer.originalPositionFor({ line: 1 + draw(820), column: draw(300), bias }));
    for (let i = 0; i < 500; i++) found.push(consumer.generatedPositionFor({ source: `f${draw(5)}.js`, line: 1 + draw(500), column: draw(120), bias }));
    for (let i = 0; i < 50; i++) found.push(consumer.allGeneratedPositionsFor({ source: `f${draw(5)}.js`, line: 1 + draw(500), column: draw(120) }));
    observe(`looked up ${bias}`, found);
  }
  consumer.computeColumnSpans();
  observe('spans', consumer.allGeneratedPositionsFor({ source: 'f1.js', line: 7 }));
});
const damaged = JSON.parse(map);
damaged.mappings = damaged.mappings.slice(0, 500) + '!' + damaged.mappings.slice(500);
observe('damaged', await SourceMapConsumer.with(damaged, null, (c) => c.originalPositionFor({ line: 3, column: 4 })).catch((e) => e.message));
