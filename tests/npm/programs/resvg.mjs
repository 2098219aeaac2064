import { Resvg, initWasm } from '@resvg/resvg-wasm';
import { observe, expect, bytes } from '../observe.mjs';

await initWasm(bytes('@resvg/resvg-wasm/index_bg.wasm'));
const font = { fontBuffers: [bytes('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')], defaultFontFamily: 'DejaVu Sans' };
const drawings = {
  shapes: `<circle cx="50" cy="50" r="30" fill="red" opacity=".5"/><path d="M10 10C40 90 65 10 95 80S150 150 180 80" fill="none" stroke="#08f"
    stroke-width="4" stroke-dasharray="8 3" stroke-linejoin="round"/><ellipse cx="120" cy="60" rx="40" ry="20" transform="rotate(30 120 60)"/>`,
  gradient: `<defs><linearGradient id="a"><stop offset="0" stop-color="#f00"/><stop offset=".4" stop-color="#0f0"/><stop offset="1" stop-color="#00f8"/>
    </linearGradient><radialGradient id="b" cx=".3" cy=".3"><stop offset="0" stop-color="#fff"/><stop offset="1"/></radialGradient>
    <pattern id="p" width="9" height="9" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="teal"/></pattern></defs>
    <rect width="90" height="90" fill="url(#a)"/><circle cx="150" cy="50" r="45" fill="url(#b)"/><rect x="10" y="100" width="180" height="80" fill="url(#p)"/>`,
  filter: `<filter id="f"><feGaussianBlur stdDeviation="3"/><feColorMatrix type="hueRotate" values="70"/></filter><filter id="t"><feTurbulence baseFrequency=".05"
    numOctaves="3" seed="4"/><feDisplacementMap in="SourceGraphic" scale="20"/></filter><mask id="m"><circle cx="60" cy="60" r="50" fill="#999"/></mask>
    <rect x="20" y="20" width="80" height="60" fill="orange" filter="url(#f)"/><g mask="url(#m)"><rect width="200" height="200" fill="navy"/></g>
    <rect x="110" y="110" width="60" height="60" filter="url(#t)" style="mix-blend-mode:multiply"/>`,
  text: `<text x="10" y="60" font-size="28" fill="#333">Weft &amp; warp ffi</text><text x="10" y="120" font-size="40" stroke="red" letter-spacing="3">Ωж</text>
    <text font-size="14"><textPath href="#q">along a path that bends</textPath></text><path id="q" d="M10 180Q100 120 190 180" fill="none"/>`,
};
for (const [name, body] of Object.entries(drawings)) for (const width of [200, 333]) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">${body}</svg>`;
  const resvg = new Resvg(svg, { font, fitTo: { mode: 'width', value: width }, background: name === 'text' ? '#ffe' : undefined });
  const image = resvg.render();
  expect('something drawn', image.pixels.some((p) => p));
  observe(`${name} ${width} pixels`, image.pixels);
  observe(`${name} ${width} png`, image.asPng());
  observe(`${name} ${width} box`, [resvg.getBBox()?.x, resvg.getBBox()?.width, resvg.toString()]);
}
let message;
try { new Resvg('<svg', {}); } catch (e) { message = String(e); }
observe('damaged', message);
