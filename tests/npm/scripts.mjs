/** Small programs for the engines of JavaScript among the packages. */
export const scripts = [
  'let a = []; for (let i = 0; i < 2000; i++) a.push(Math.sin(i) * 1e5 | 0); a.sort((x, y) => x - y); a.slice(0, 50)',
  '(function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) })(17)',
  'JSON.stringify({ d: [1.1, 1e21, -0, 0.1 + 0.2, 5e-324], s: "ü\\u2028", o: { ...{ a: 1 }, get b() { return [..."𝒳y"] } } })',
  '[..."a1b22c333".matchAll(/(?<l>[a-z])(\\d+)/gu)].map((m) => [m.groups.l, m[2], m.index])',
  '"x,y;z".split(/([,;])/).concat("Straße".toUpperCase(), "İ".toLowerCase(), "abc".replace(/(b)/, "[$1$&]"), "é".normalize("NFD").length)',
  'String(2n ** 200n / 12345678901234567890n % 1000007n) + (-7n >> 1n) + BigInt.asUintN(64, -1n)',
  'class A { #x = 1; static y = 2; get z() { return this.#x + A.y } } class B extends A { constructor() { super(); this.w = new.target.name } } const b = new B(); [b.z, b.w, b instanceof A]',
  'function* g() { try { const x = yield 1; yield x * 2 } finally { yield 9 } } const it = g(); [it.next(), it.next(21), it.return(5), it.next()]',
  'const m = new Map([[NaN, 1], [0, 2]]); m.set(-0, 3); const s = new Set([1, 1, "1"]); [m.size, [...m], [...s], new WeakMap([[m, 4]]).get(m)]',
  'const f = new Float32Array([1.1, 1e40, NaN]); const d = new DataView(f.buffer); [[...f].map(String), d.getInt32(0), d.getUint16(4, true), new Uint8ClampedArray([300, -5, 1.5])[2]]',
  '[(0.1).toFixed(20), (1e21).toString(36), (255).toString(2), parseFloat("1e-7x"), Number("0x1f"), (123.456).toPrecision(4), 5e-324, 2 ** 53 + 1]',
  'throw new TypeError("thrown")', 'null.x', 'let q = ; 1', 'new Proxy({}, { get: (t, k) => "p" + String(k) }).abc + Reflect.ownKeys({ 2: 1, b: 1, 1: 1 })',
  'new Date(86400000 * 365.25 * 30).toISOString() + Date.UTC(2024, 1, 29)', 'let log = []; (async () => { log.push(1); await null; log.push(2) })(); log.push(3); log',
];
