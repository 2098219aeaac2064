import { observe, expect, require, text } from '../observe.mjs';

const { HTMLRewriter } = require('html-rewriter-wasm');
const encoder = new TextEncoder();
async function rewrite(html, wait) {
  let out = '';
  const seen = [];
  const pause = () => (wait ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined);
  const rewriter = new HTMLRewriter((chunk) => { out += new TextDecoder().decode(chunk); });
  rewriter.on('p.a > b, a[href^="x"]', { async element(e) {
    seen.push(e.tagName, [...e.attributes]);
    await pause();
    e.setAttribute('id', 'n"1').prepend('<i>', { html: false }).after('<hr>', { html: true });
    e.onEndTag?.((t) => { t.before('END'); });
  }, async text(t) { await pause(); seen.push(t.text, t.lastInTextNode); if (t.text === 'drop') t.remove(); } });
  rewriter.on('script', { element: (e) => { e.remove(); } });
  rewriter.on('*', { comments: (c) => { c.text = c.text.toUpperCase(); } });
  rewriter.onDocument({ doctype: (d) => { seen.push(d.name, d.publicId); }, end: (e) => { e.append('<!--end-->', { html: true }); } });
  for (let i = 0; i < html.length; i += 37) await rewriter.write(encoder.encode(html.slice(i, i + 37)));
  await rewriter.end();
  rewriter.free();
  return [out, seen];
}
const html = '<!doctype html><p class=a>text<b>bold <u>x</u></b>drop<!-- c --><a href="xy?a&amp;b">l&auml;</a><script>if (a<b) "</p>"</script><svg><a/></svg><table><td>1<td>2</table>'.repeat(15);
observe('sync', await rewrite(html, false));
observe('waiting (the stack is unwound)', await rewrite(html.slice(0, 700), true));
const bad = new HTMLRewriter(() => {});
let message;
try { bad.on('p[', {}); } catch (e) { message = String(e); }
observe('bad selector', message);
expect('text', text('html-rewriter-wasm/package.json').length > 1);
