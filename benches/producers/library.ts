// What of the standard library of AssemblyScript (and of as-bignum) numbers, strings, collections and vectors use: see get.sh.
import { u128, i128, u256 } from "as-bignum/assembly";
export function math(x: f64, y: f64): f64 {
  return Math.sin(x) + Math.cos(y) + Math.tan(x) + Math.exp(y) + Math.log(x) + Math.log2(x) + Math.log10(x) + Math.pow(x, y)
    + Math.cbrt(x) + Math.hypot(x, y) + Math.atan2(x, y) + Math.asin(x) + Math.acos(y) + Math.sinh(x) + Math.cosh(y) + Math.tanh(x)
    + Math.expm1(x) + Math.log1p(y) + Math.round(x) + Math.fround(y) + Math.sign(x) + Math.abs(y) + Math.max(x, y) + Math.min(x, y)
    + Math.trunc(x) + Math.ceil(y) + Math.floor(x) + Math.sqrt(y) + Math.asinh(x) + Math.acosh(y) + Math.atanh(x) + NativeMath.mod(x, y) + NativeMath.rem(x, y) + NativeMath.scalbn(x, 3) + f64(Math.clz32(x)) + Math.imul(x, y) + NativeMath.random() + x % y + x ** 2;
}
export function mathf(x: f32, y: f32): f32 {
  return Mathf.sin(x) + Mathf.cos(y) + Mathf.tan(x) + Mathf.exp(y) + Mathf.log(x) + Mathf.log2(x) + Mathf.log10(x) + Mathf.pow(x, y)
    + Mathf.cbrt(x) + Mathf.hypot(x, y) + Mathf.atan2(x, y) + Mathf.asin(x) + Mathf.acos(y) + Mathf.sinh(x) + Mathf.cosh(y) + Mathf.tanh(x)
    + Mathf.expm1(x) + Mathf.log1p(y) + Mathf.round(x) + Mathf.sign(x) + Mathf.abs(y) + Mathf.max(x, y) + Mathf.min(x, y) + Mathf.mod(x, y) + x % y + Mathf.rem(x,y) + Mathf.scalbn(x, 3);
}
export function strings(n: i32, x: f64): string {
  let s = n.toString() + x.toString() + i64(n).toString(16) + u64(n).toString(2);
  s = s.toUpperCase().toLowerCase().padStart(10, "ab").repeat(3).trim().replaceAll("a", "b").substring(1, 9);
  let parts = s.split("b"); parts.sort(); parts.reverse();
  return parts.join(",") + parseInt(s).toString() + parseFloat(s).toString() + encodeURIComponent(s) + decodeURIComponent(s) + s.charCodeAt(2).toString();
}
export function collections(n: i32): i32 {
  let m = new Map<i32, string>(), t = new Set<u64>(), f = new Float32Array(n), b = new Uint8Array(n), w = new Int64Array(n), mm = new Map<string, f64>();
  for (let i = 0; i < n; i++) { m.set(i, i.toString()); t.add(u64(i) * 7); f[i] = f32(i) / 4; b[i] = u8(i); w[i] = i64(i) << 33; mm.set(i.toString(), f64(i)); }
  f.sort(); b.fill(3, 1, 5); w.reverse(); f.map((v: f32): f32 => -v); let d = new Date(n); let dv = new DataView(b.buffer); dv.setFloat64(0, 1.5, true); dv.setInt16(2, 4); 
  return m.size + t.size + i32(f[1]) + b[2] + i32(w[1] >> 32) + d.getUTCFullYear() + dv.getInt32(1) + b.indexOf(3) + i32(dv.getUint16(4, true)) + i32(mm.has("3"));
}
export function big(a: u64, b: u64): u64 {
  let x = new u128(a, b), y = u128.from(b), i = i128.from(a), z = u256.from(x);
  let r = (x * y + x - y) / (y + u128.One) % (x | y);
  r = (r << 13) ^ (r >> 7) & ~y; z = (z * z + z) >> 3;
  return r.lo + r.hi + i.lo + u64(x > y) + z.lo1 + u64(r == y) + u64(u128.popcnt(r)) + u64(u128.clz(r)) + u64(u128.ctz(r)) + u128.sqrt(x).lo + (r ** 3).lo;
}
export function vectors(p: usize, n: i32): v128 {
  let s = i32x4.splat(n), f = f32x4.splat(f32(n)), a = v128.load(p), b = v128.load(p, 16);
  for (let i = 0; i < n; i++) {
    a = i8x16.add(a, v128.xor(b, s)); s = i32x4.add(s, i32x4.shl(a, 3)); f = f32x4.add(f32x4.mul(f, f32x4.splat(1.5)), f32x4.convert_i32x4_s(s));
    b = v128.bitselect(a, b, i16x8.gt_s(a, b)); a = v128.andnot(v128.not(a), b); v128.store(p + i * 16, v128.or(a, v128.and(b, f)));
    a = i32x4.replace_lane(a, 1, i32x4.extract_lane(s, 2)); a = i64x2.sub(a, i64x2.mul(b, i64x2.splat(0))); b = v128.not(i32x4.eq(a, b));
  }
  return v128.or(v128.any_true(a) ? a : b, f);
}
