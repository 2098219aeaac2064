import { observe, expect, require } from '../observe.mjs';

const Y = require('ywasm');
const docs = [1, 2].map((id) => new Y.YDoc({ clientID: id }));
const update = (from, to) => Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), undefined);
for (let i = 0; i < 50; i++) {
  const d = docs[i % 2];
  d.getText('t').insert(i % 3, `x${i}`, i % 7 ? undefined : { bold: true });
  d.getArray('a').insert(0, [i, { k: [i, null] }, 'ä']);
  d.getMap('m').set(`k${i % 6}`, i * 1.5);
  if (i % 9 === 0) { d.getText('t').delete(0, 2); update(docs[0], docs[1]); update(docs[1], docs[0]); }
}
update(docs[0], docs[1]);
update(docs[1], docs[0]);
const show = (d) => [d.getText('t').toString(), d.getArray('a').toJson(), Object.entries(d.getMap('m').toJson()).sort()];
expect('the same after merging', JSON.stringify(show(docs[0])) === JSON.stringify(show(docs[1])));
observe('document', show(docs[0]));
observe('update', Y.encodeStateAsUpdate(docs[0], undefined));
observe('vector', Y.encodeStateVector(docs[0]));
