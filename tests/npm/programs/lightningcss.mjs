import { transform, transformStyleAttribute, bundle } from 'lightningcss-wasm';
import { observe, text } from '../observe.mjs';

const css = `@custom-media --narrow (max-width: 30em); @layer a, b.c; @font-face{font-family:"F";src:url(f.woff2)format("woff2")} .a{color:color-mix(in oklch,red 40%,lab(50% 20 30));
  &:is(:hover,.b>c){margin:1px 1px 1px 1px;inset:0;background:linear-gradient(to right,#ff0000,transparent)} @media (width>=600px){transition:opacity .3s ease-in-out,transform 1s}}
  @supports (display:grid){.g{grid-template:"a b" 1fr "c d" minmax(10px,2fr) / auto auto;place-items:center center}} @keyframes k{from{opacity:0}50.5%{transform:rotate(.5turn) scale(1,1)}}
  .u{width:calc(100% - (2px*3 + 1em));transform:translate3d(0,0,0) matrix(1,0,0,1,0,0);color:#AABBCCDD;mask:url(x.svg)} @container n (inline-size>10px){p{font:italic bold .8em/1.2 Arial,sans-serif}}`;
for (const [name, options] of Object.entries({
  plain: {}, small: { minify: true }, old: { minify: true, targets: { chrome: 60 << 16, safari: 10 << 16, ie: 11 << 16 } },
  modules: { cssModules: { pattern: '[hash]-[local]' }, sourceMap: true, analyzeDependencies: true }, draft: { drafts: { customMedia: true }, targets: { firefox: 80 << 16 } },
})) {
  const { code, map, exports, warnings, dependencies } = transform({ filename: 'a.css', code: new TextEncoder().encode(css), errorRecovery: true, ...options });
  observe(`${name} code`, code);
  observe(`${name} rest`, [map && Array.from(map), exports, warnings, dependencies]);
}
const seen = [];
const visited = transform({ filename: 'v.css', code: new TextEncoder().encode(css), errorRecovery: true, visitor: { Length(l) { seen.push(l); return { unit: 'px', value: l.value * 2 }; }, Color(c) { seen.push(c); } } });
observe('visited', [seen, Array.from(visited.code)]);
observe('attribute', transformStyleAttribute({ code: new TextEncoder().encode('color: yellow; flex: 1 1 0%'), minify: true }).code);
let message;
try { transform({ filename: 'e.css', code: new TextEncoder().encode('.a { color: } } @media {') }); } catch (e) { message = [e.message, e.loc]; }
observe('error', message);
