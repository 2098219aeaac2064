import { observe, expect, sample, require, bytes } from '../observe.mjs';

const SevenZip = require('7z-wasm');
for (const [name, args] of Object.entries({ 'a.7z': ['-mx9', '-ms=on'], 'b.zip': ['-mm=Deflate', '-mx7'], 'c.zip': ['-mm=BZip2'], 'd.7z': ['-m0=PPMd', '-mx5'], 'e.tar': [], 'g.7z': ['-m0=BCJ2', '-psecret', '-mhe=on', '-mx1'] })) {
  const log = [];
  const z = await SevenZip({ wasmBinary: bytes('7z-wasm/7zz.wasm'), print: (s) => log.push(s), printErr: (s) => log.push(s), noExitRuntime: true });
  z.FS.writeFile('/one.txt', sample(60000, 4));
  z.FS.writeFile('/two.bin', sample(9000, 5).reverse());
  z.FS.utime('/one.txt', 1e12, 1e12);
  z.FS.utime('/two.bin', 1e12, 1e12);
  z.callMain(['a', '-mmt=1', '-mtc=off', '-mtm=off', ...args.filter((a) => !a.startsWith('-p')), ...args.filter((a) => a.startsWith('-p')), name, 'one.txt', 'two.bin']);
  const there = z.FS.analyzePath(name).exists;
  observe(`${name} log`, log.filter((l) => !/Files? Date|Time|Compiler|7-Zip|20\d\d|Scanning/i.test(l)));
  if (!there) continue;
  const archive = z.FS.readFile(name);
  if (!args.includes('-psecret') && !name.endsWith('tar')) observe(name, archive);
  const y = await SevenZip({ wasmBinary: bytes('7z-wasm/7zz.wasm'), print() {}, printErr() {}, noExitRuntime: true });
  y.FS.writeFile(name, archive);
  y.callMain(['x', '-psecret', name, '-oout']);
  const back = y.FS.readFile('out/one.txt');
  expect('the file', Buffer.compare(Buffer.from(back), sample(60000, 4)) === 0);
  observe(`${name} unpacked`, back);
}
