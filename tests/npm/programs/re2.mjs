import { observe, require, sample } from '../observe.mjs';

const { RE2 } = require('re2-wasm');
const text = Buffer.from(sample(3000).slice(0, 2000)).toString('latin1') + ' foo-12 bar_3 äöü a@b.cd 2024-02-29';
for (const [source, flags] of [['(\\w+) (\\w+)', 'gu'], ['(?P<y>\\d{4})-(\\d\\d)', 'u'], ['[äöü]+|\\bwe.t', 'giu'], ['^(?:a|b)*?c{2,5}$', 'mu'], ['\\p{L}{6,}', 'gu'], ['(a*)*b|r.ed', 'gu'], ['[^\\W\\d]+@(?:\\w+\\.)+\\w{2}', 'u'], ['(?i)SHUTTLE|\\x20{2}', 'gu']]) {
  const re = new RE2(source, flags);
  observe(`/${source}/${flags}`, [re.test(text), text.match(new RE2(source, flags)), text.replace(new RE2(source, flags), '<$1$&>'), text.split(new RE2(source, flags)).length, text.search(new RE2(source, flags))]);
}
for (const bad of ['(', 'a{99999}', '(?=x)', '\\1', '[z-a]']) {
  let message;
  try { message = String(new RE2(bad, 'u')); } catch (e) { message = e.message; }
  observe(`bad ${bad}`, message);
}
