import { observe, expect, require, bytes } from '../observe.mjs';

const hb = require('harfbuzzjs/hbjs.js')(await require('harfbuzzjs/hb.js')());
const blob = hb.createBlob(bytes('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
const face = hb.createFace(blob, 0);
const font = hb.createFont(face);
font.setScale(1000, 1000);
observe('unicodes', face.collectUnicodes());
const texts = ['Affine fjord ffi', 'السلام عليكم', 'שָׁלוֹם', 'Ωμέγα ἀρχή', 'Việt Nam', 'нет войне', '한국', '𝕏\u0301', 'AVAToTe.', 'a\u0308\u0323b'];
for (const text of texts) for (const direction of ['', 'rtl', 'ttb']) {
  const buffer = hb.createBuffer();
  buffer.addText(text);
  buffer.guessSegmentProperties();
  if (direction) buffer.setDirection(direction);
  hb.shape(font, buffer, direction ? 'kern,liga=0' : undefined);
  const glyphs = buffer.json();
  expect('glyphs', glyphs.length > 0);
  observe(`${text} ${direction}`, glyphs);
  observe(`${text} ${direction} outlines`, glyphs.map((g) => font.glyphToPath(g.g)));
  buffer.destroy();
}
