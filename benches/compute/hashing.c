// SHA-256, SipHash-2-4 and CRC-32 of a growing message.
#include "common.h"

#define LENGTH 4096

static u8 message[LENGTH + 64];
static u32 crc_table[256];

static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline u32 ror(u32 x, i32 n) { return (x >> n) | (x << (32 - n)); }
static inline u64 rol64(u64 x, i32 n) { return (x << n) | (x >> (64 - n)); }

static NOINLINE void sha_block(u32 h[8], const u8 *p) {
    u32 w[64];
    for (i32 i = 0; i < 16; i++)
        w[i] = (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 | (u32)p[4 * i + 3];
    for (i32 i = 16; i < 64; i++) {
        u32 s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ (w[i - 15] >> 3);
        u32 s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
#pragma clang loop unroll(disable)
    for (i32 i = 0; i < 64; i++) {
        u32 t1 = k + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
        u32 t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        k = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}

static u64 sha256(u8 *p, u32 length) {
    u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    u8 last[64];
    u32 at = 0;
    for (; at + 64 <= length; at += 64) sha_block(h, p + at);
    u32 rest = length - at;
    for (u32 i = 0; i < 64; i++) last[i] = i < rest ? p[at + i] : i == rest ? 0x80 : 0;
    if (rest >= 56) {
        sha_block(h, last);
        for (u32 i = 0; i < 64; i++) last[i] = 0;
    }
    u64 total = (u64)length * 8;
    for (i32 i = 0; i < 8; i++) last[63 - i] = (u8)(total >> (8 * i));
    sha_block(h, last);
    return ((u64)h[0] << 32 | h[1]) ^ ((u64)h[6] << 32 | h[7]);
}

#define ROUND                                                                             \
    v0 += v1, v1 = rol64(v1, 13), v1 ^= v0, v0 = rol64(v0, 32), v2 += v3, v3 = rol64(v3, 16), \
        v3 ^= v2, v0 += v3, v3 = rol64(v3, 21), v3 ^= v0, v2 += v1, v1 = rol64(v1, 17), v1 ^= v2, v2 = rol64(v2, 32)

static NOINLINE u64 siphash(const u8 *p, u32 length, u64 k0, u64 k1) {
    u64 v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull;
    u64 v2 = k0 ^ 0x6c7967656e657261ull, v3 = k1 ^ 0x7465646279746573ull;
    u64 last = (u64)length << 56;
    u32 at = 0;
    for (; at + 8 <= length; at += 8) {
        u64 m = 0;
        for (i32 i = 0; i < 8; i++) m |= (u64)p[at + i] << (8 * i);
        v3 ^= m;
        ROUND;
        ROUND;
        v0 ^= m;
    }
    for (i32 i = 0; at < length; at++, i += 8) last |= (u64)p[at] << i;
    v3 ^= last;
    ROUND;
    ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    for (i32 i = 0; i < 4; i++) {
        ROUND;
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

static NOINLINE u32 crc(const u8 *p, u32 length) {
    u32 c = ~0u;
    for (u32 i = 0; i < length; i++) c = crc_table[(c ^ p[i]) & 255] ^ (c >> 8);
    return ~c;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    for (u32 i = 0; i < 256; i++) {
        u32 c = i;
        for (i32 k = 0; k < 8; k++) c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
        crc_table[i] = c;
    }
    seed = 42;
    for (u32 i = 0; i < LENGTH; i++) message[i] = (u8)rnd();
    for (i32 round = 0; round < n; round++) {
        u32 length = 1500 + (rnd() & 2047);
        message[round & (LENGTH - 1)] ^= (u8)sum;
        sum = mix(sum, sha256(message, length));
        sum = mix(sum, siphash(message, length, sum, 7));
        sum = mix(sum, crc(message, length));
    }
    return (i64)sum;
}
