// Dense matrices of floats: blocked product, LU decomposition with pivots, transposition in place.
#include "common.h"

#define N 48
#define BLOCK 12

static f64 a[N][N], b[N][N], c[N][N], lu[N][N];
static i32 pivots[N];

static NOINLINE void multiply(f64 (*x)[N], f64 (*y)[N], f64 (*z)[N]) {
    for (i32 i = 0; i < N; i++)
        for (i32 j = 0; j < N; j++) z[i][j] = 0;
    for (i32 kk = 0; kk < N; kk += BLOCK)
        for (i32 jj = 0; jj < N; jj += BLOCK)
            for (i32 i = 0; i < N; i++)
                for (i32 k = kk; k < kk + BLOCK; k++) {
                    f64 r = x[i][k];
                    for (i32 j = jj; j < jj + BLOCK; j++) z[i][j] += r * y[k][j];
                }
}

static NOINLINE void dot_products(f64 (*x)[N], f64 (*y)[N], f64 (*z)[N], i32 n) {
    for (i32 i = 0; i < n; i++)
        for (i32 j = 0; j < n; j++) {
            f64 s = 0;
            for (i32 k = 0; k < n; k++) s += x[i][k] * y[k][j];
            z[i][j] = s;
        }
}

static NOINLINE void transpose(f64 (*x)[N]) {
    for (i32 i = 0; i < N; i++)
        for (i32 j = i + 1; j < N; j++) {
            f64 t = x[i][j];
            x[i][j] = x[j][i];
            x[j][i] = t;
        }
}

// Returns the logarithm-free determinant's sign and leaves the factors in m.
static NOINLINE i32 decompose(f64 (*m)[N], i32 *perm, i32 n) {
    i32 sign = 1;
    for (i32 col = 0; col < n; col++) {
        i32 best = col;
        f64 top = 0;
        for (i32 r = col; r < n; r++) {
            f64 v = m[r][col] < 0 ? -m[r][col] : m[r][col];
            if (v > top) {
                top = v;
                best = r;
            }
        }
        perm[col] = best;
        if (top == 0) return 0;
        if (best != col) {
            for (i32 k = 0; k < n; k++) {
                f64 t = m[best][k];
                m[best][k] = m[col][k];
                m[col][k] = t;
            }
            sign = -sign;
        }
        for (i32 r = col + 1; r < n; r++) {
            f64 factor = m[r][col] / m[col][col];
            m[r][col] = factor;
            for (i32 k = col + 1; k < n; k++) m[r][k] -= factor * m[col][k];
        }
    }
    return sign;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 4711;
    for (i32 i = 0; i < N; i++)
        for (i32 j = 0; j < N; j++) {
            a[i][j] = (f64)(i32)(rnd() % 2001) / 1000.0 - 1.0;
            b[i][j] = (f64)(i32)(rnd() % 2001) / 1000.0 - 1.0;
        }
    for (i32 round = 0; round < n; round++) {
        multiply(a, b, c);
        transpose(b);
        dot_products(c, b, lu, N);
        sum = mix(sum, bits(lu[round % N][3]));
        sum = mix(sum, (u64)decompose(lu, pivots, N));
        for (i32 i = 0; i < N; i += 5) sum = mix(mix(sum, bits(lu[i][i])), (u32)pivots[i]);
        a[round % N][(round * 7) % N] += 0.125;
    }
    return (i64)sum;
}
