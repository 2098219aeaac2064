import { observe, expect, bytes, picture } from '../observe.mjs';
import { initializeImageMagickx64, ImageMagick, MagickFormat, MagickReadSettings, Percentage, MagickGeometry } from '@imagemagick/magick-wasm';

// The 64-bit build: memory64.
await initializeImageMagickx64(bytes('@imagemagick/magick-wasm/dist/x64/magick.wasm'));
const { data, width, height } = picture(90, 70);
const settings = new MagickReadSettings({ format: MagickFormat.Rgba, width, height, depth: 8 });
const see = (label, image) => {
  image.getPixels((p) => { observe(`${label} pixels`, p.toByteArray(0, 0, image.width, image.height, 'RGBA')); });
};
const steps = {
  resize: (i) => i.resize(new MagickGeometry(45, 33)), blur: (i) => i.blur(2, 1.5), rotate: (i) => i.rotate(33), sharpen: (i) => i.sharpen(0, 1), modulate: (i) => i.modulate(new Percentage(90), new Percentage(140), new Percentage(50)),
  charcoal: (i) => i.charcoal(1, 0.5), quantize: (i) => { i.depth = 4; }, negate: (i) => i.negate(), deskew: (i) => i.swirl?.(40), normalize: (i) => i.normalize(),
};
for (const [name, step] of Object.entries(steps)) ImageMagick.read(new Uint8Array(data.buffer), settings, (image) => {
  step(image);
  see(name, image);
});
for (const format of ['Png', 'Jpeg', 'Gif', 'WebP', 'Tiff', 'Bmp', 'Qoi', 'Psd', 'Jp2']) ImageMagick.read(new Uint8Array(data.buffer), settings, (image) => {
  image.quality = 80;
  let out;
  image.write(MagickFormat[format], (d) => { out = Uint8Array.from(d); });
  expect('an image', out.length > 100);
  observe(`${format} length`, [out.length > 0]);
  ImageMagick.read(out, (again) => see(format, again));
});
