import * as A from '@automerge/automerge';
import { observe, expect } from '../observe.mjs';

let a = A.from({ list: [1, 2, 3], text: 'hello', map: { x: 1 }, counter: new A.Counter(3) }, { actor: 'aaaa' });
let b = A.clone(a, { actor: 'bbbb' });
for (let i = 0; i < 60; i++) {
  a = A.change(a, { time: i }, (d) => { d.list.insertAt(i % 3, i); d.counter.increment(i); A.splice(d, ['text'], i % 5, i % 2, `a${i}`); });
  b = A.change(b, { time: i }, (d) => { d.list.push({ n: i, s: `b${i}` }); d.map[`k${i % 7}`] = [i, null, new Date(i), new Uint8Array([i])]; if (i % 5 === 0) delete d.list[1]; });
  if (i % 20 === 19) a = A.merge(a, b);
}
a = A.merge(a, b);
b = A.merge(b, a);
expect('the same after merging', JSON.stringify(A.toJS(a)) === JSON.stringify(A.toJS(b)));
observe('document', A.toJS(a));
const saved = A.save(a);
observe('saved', saved);
observe('loaded', A.toJS(A.load(saved)));
observe('history', [A.getHeads(a), A.getHistory(a).length, A.getConflicts(a.map, 'k1') ?? null, A.diff(a, A.getHeads(A.from({ x: 1 }, { actor: 'aaaa' })).slice(1), A.getHeads(a))]);
let [c, sa, sc] = [A.init({ actor: 'cccc' }), A.initSyncState(), A.initSyncState()], m;
for (let i = 0; i < 6; i++) {
  [sa, m] = A.generateSyncMessage(a, sa);
  if (m) { observe(`sync ${i}`, m); [c, sc] = A.receiveSyncMessage(c, sc, m); }
  [sc, m] = A.generateSyncMessage(c, sc);
  if (m) [a, sa] = A.receiveSyncMessage(a, sa, m);
}
observe('synced', A.toJS(c));
let message;
try { A.load(saved.map((x, i) => (i === 60 ? x ^ 1 : x))); } catch (e) { message = String(e); }
observe('damaged', message);
