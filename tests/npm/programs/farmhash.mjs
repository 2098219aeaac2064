import * as farmhash from 'farmhash-modern';
import { observe, sample } from '../observe.mjs';

for (const n of [0, 1, 5, 12, 17, 31, 33, 63, 65, 129, 1000, 70000]) {
  const data = sample(n, n + 1);
  const s = Buffer.from(data).toString('latin1');
  const all = Object.entries(farmhash).filter(([k, f]) => typeof f === 'function' && /^(fingerprint|hash|bigquery)/.test(k));
  observe(`length ${n}`, all.map(([k, f]) => {
    try { return [k, f.length > 1 ? f(s, 77n) : f(s)]; } catch (e) { return [k, e.message]; }
  }));
}
