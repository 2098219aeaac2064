import { PDFiumLibrary } from '@hyzyla/pdfium';
import { observe, expect, bytes } from '../observe.mjs';

const wasmBinary = bytes('@hyzyla/pdfium/dist/pdfium.wasm');
const library = await PDFiumLibrary.init({ wasmBinary: wasmBinary.buffer });
const content = 'q 1 0 0 RG 0.2 0.5 0.9 rg 3 w 20 20 100 60 re B Q 0 0.4 0 rg 150 50 m 200 120 250 0 280 90 c h f* q .7 .7 -.7 .7 200 100 cm BT /F1 24 Tf 0 0 Td (Loom & weft) Tj ET Q [6 3] 0 d 10 150 m 290 190 l S q /P sh Q BT /F2 14 Tf 20 120 Td [(Kerned) -120 (text)] TJ ET';
const objects = ['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R 7 0 R]/Count 2>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 6 0 R>>/Shading<</P 8 0 R>>>>>>',
  `<</Length ${content.length}>>stream\n${content}\nendstream`, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>', '<</Type/Font/Subtype/Type1/BaseFont/Times-Italic>>',
  '<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Rotate 90/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 6 0 R>>/Shading<</P 8 0 R>>>>>>',
  '<</ShadingType 3/ColorSpace/DeviceRGB/Coords[250 150 5 250 150 40]/Function<</FunctionType 2/Domain[0 1]/C0[1 1 0]/C1[.5 0 .5]/N 1.5>>>>'];
let pdf = '%PDF-1.7\n';
const offsets = objects.map((o, i) => { const at = pdf.length; pdf += `${i + 1} 0 obj${o}endobj\n`; return at; });
const xref = pdf.length;
pdf += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map((o) => String(o).padStart(10, '0') + ' 00000 n \n').join('')}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${xref}\n%%EOF`;
const document = await library.loadDocument(new TextEncoder().encode(pdf));
expect('two pages', document.getPageCount() === 2);
for (const number of [0, 1]) for (const scale of [1, 2.3]) {
  // A page is closed once it has been rendered.
  const image = await document.getPage(number).render({ scale, render: 'bitmap' });
  expect('something drawn', image.data.some((p) => p !== 255));
  observe(`page ${number} ${scale}`, image.data);
  observe(`page ${number} text`, document.getPage(number).getText());
}
document.destroy();
observe('damaged', await library.loadDocument(new TextEncoder().encode(pdf.slice(0, 300))).then(() => 'opened', (e) => String(e)));
library.destroy();
