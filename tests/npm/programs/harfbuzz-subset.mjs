import { observe, expect, bytes } from '../observe.mjs';

const { instance: { exports: hb } } = await WebAssembly.instantiate(bytes('harfbuzzjs/hb-subset.wasm'));
const font = bytes('dejavu-fonts-ttf/ttf/DejaVuSerif-Italic.ttf');
for (const [flags, text] of [[0, 'Hello, loom'], [1, 'Affinity \u00e4\u0308 fi'], [0x40, 'Ωψ ЖЙ']]) {
  const at = hb.malloc(font.length);
  new Uint8Array(hb.memory.buffer).set(font, at);
  const blob = hb.hb_blob_create(at, font.length, 2, 0, 0);
  const face = hb.hb_face_create(blob, 0);
  const input = hb.hb_subset_input_create_or_fail();
  const set = hb.hb_subset_input_unicode_set(input);
  for (const c of text) hb.hb_set_add(set, c.codePointAt(0));
  if (hb.hb_subset_input_set_flags) hb.hb_subset_input_set_flags(input, flags);
  const subset = hb.hb_subset_or_fail(face, input);
  expect('a subset', subset);
  const result = hb.hb_face_reference_blob(subset);
  const offset = hb.hb_blob_get_data(result, 0), length = hb.hb_blob_get_length(result);
  expect('smaller', length > 0 && length < font.length);
  observe(`${flags} ${text}`, new Uint8Array(hb.memory.buffer).slice(offset, offset + length));
}
