import * as ini from '@one-ini/wasm';
import { observe, text } from '../observe.mjs';

const inputs = ['root = true\n\n[*]\nindent_style = space ; c\nindent_size=4\n[*.{js,ts}]\n# x\nquote = "a b"\r\nempty =\n[bad\n=x\n',
  '', '\ufeff[ä]\nö = ü # 日本語\n', 'a=1\n'.repeat(2000), text('@one-ini/wasm/package.json')];
for (const [i, input] of inputs.entries()) {
  for (const name of Object.keys(ini).filter((k) => /^parse/.test(k)).sort()) {
    let result;
    try { result = ini[name](input); } catch (e) { result = String(e); }
    observe(`${name} ${i}`, result);
  }
}
