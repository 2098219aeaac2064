import { observe, expect, bytes } from '../observe.mjs';
import { readBarcodes, prepareZXingModule as prepareReader } from 'zxing-wasm/reader';
import { writeBarcode, prepareZXingModule as prepareWriter } from 'zxing-wasm/writer';
import * as full from 'zxing-wasm/full';

await prepareReader({ overrides: { wasmBinary: bytes('zxing-wasm/dist/reader/zxing_reader.wasm').buffer }, fireImmediately: true });
await prepareWriter({ overrides: { wasmBinary: bytes('zxing-wasm/dist/writer/zxing_writer.wasm').buffer }, fireImmediately: true });
await full.prepareZXingModule({ overrides: { wasmBinary: bytes('zxing-wasm/dist/full/zxing_full.wasm').buffer }, fireImmediately: true });
for (const [format, input] of [['QRCode', 'Loom: weft & warp äöü 123'], ['DataMatrix', 'ABC-123'], ['Aztec', 'some text'], ['PDF417', 'Hello PDF417'], ['Code128', 'CODE-128'], ['EAN13', '590123412345'], ['ITF', '123456'], ['Code39', 'C39']]) {
  for (const [name, write, read] of [['split', writeBarcode, readBarcodes], ['full', full.writeBarcode, full.readBarcodes]]) {
    const made = await write(input, { format, scale: 4 });
    observe(`${name} ${format} made`, [made.svg, made.utf8, made.error]);
    const png = new Uint8Array(await made.image.arrayBuffer());
    observe(`${name} ${format} png`, png);
    const found = await read(png, { tryHarder: true });
    expect(`the text in ${format}`, found[0]?.text?.startsWith(input.slice(0, 6)));
    observe(`${name} ${format} found`, found.map(({ text, format, position, ecLevel, bytes }) => [text, format, position, ecLevel, bytes]));
  }
}
