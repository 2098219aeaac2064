// What the ten programs share: names of types, random numbers, and a way to fold values into a checksum.
#ifndef COMMON_H
#define COMMON_H
typedef signed char i8;
typedef unsigned char u8;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef double f64;

// Exported under its own name; the only entry of each program.
#define EXPORT __attribute__((export_name("run")))
#define NOINLINE __attribute__((noinline))

// xorshift64*: the same numbers in every engine.
static u64 seed = 88172645463325252ull;
static inline u32 rnd(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (u32)((seed * 2685821657736338717ull) >> 32);
}

static inline u64 mix(u64 sum, u64 value) { return (sum ^ value) * 1099511628211ull + (sum >> 29); }

static inline u64 bits(f64 x) {
    union {
        f64 f;
        u64 u;
    } v = {x};
    return v.u;
}
#endif
