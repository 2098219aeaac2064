import { LoroDoc, LoroMap, LoroText } from 'loro-crdt';
import { observe, expect } from '../observe.mjs';

const [a, b] = [new LoroDoc(), new LoroDoc()];
a.setPeerId('1');
b.setPeerId('2');
for (let i = 0; i < 80; i++) {
  a.getText('t').insert(i % 4, `a${i}`);
  a.getList('l').insert(0, i);
  b.getMovableList('m').push({ i });
  if (i > 5) b.getMovableList('m').move(i % 5, 0);
  b.getMap('map').set(`k${i % 9}`, [i, null, true, 1.5]);
  b.getText('t').insert(0, 'β');
  const tree = a.getTree('tree');
  const node = tree.createNode(i % 3 ? tree.roots()[0]?.id : undefined);
  node.data.set('n', i);
  a.commit();
  b.commit();
  if (i % 30 === 29) { a.import(b.export({ mode: 'update' })); b.import(a.export({ mode: 'update' })); }
}
a.getText('t').mark({ start: 2, end: 9 }, 'bold', true);
a.commit();
b.import(a.export({ mode: 'snapshot' }));
a.import(b.export({ mode: 'snapshot' }));
expect('the same after merging', JSON.stringify(a.toJSON()) === JSON.stringify(b.toJSON()));
observe('document', a.toJSON());
observe('delta', a.getText('t').toDelta());
observe('versions', [Object.fromEntries(a.version().toJSON()), a.frontiers(), a.opCount(), a.changeCount()]);
observe('snapshot', a.export({ mode: 'snapshot' }));
observe('shallow', a.export({ mode: 'shallow-snapshot', frontiers: a.frontiers() }));
a.checkout([{ peer: '1', counter: 50 }]);
observe('earlier', a.toJSON());
expect('types', LoroMap && LoroText);
let message;
try { new LoroDoc().import(new Uint8Array(50)); } catch (e) { message = String(e); }
observe('damaged', message);
