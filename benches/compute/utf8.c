// Text as bytes: UTF-8 written, validated and decoded, substring search in two ways, folding of case, edit distance.
#include "common.h"

#define SIZE 16384

static u8 text[SIZE + 16], folded[SIZE + 16];
static u32 length;

static void put(u32 c) {
    u8 *p = text + length;
    if (c < 0x80) {
        p[0] = (u8)c, length += 1;
    } else if (c < 0x800) {
        p[0] = (u8)(0xc0 | c >> 6), p[1] = (u8)(0x80 | (c & 63)), length += 2;
    } else if (c < 0x10000) {
        p[0] = (u8)(0xe0 | c >> 12), p[1] = (u8)(0x80 | ((c >> 6) & 63)), p[2] = (u8)(0x80 | (c & 63)), length += 3;
    } else {
        p[0] = (u8)(0xf0 | c >> 18), p[1] = (u8)(0x80 | ((c >> 12) & 63)), p[2] = (u8)(0x80 | ((c >> 6) & 63));
        p[3] = (u8)(0x80 | (c & 63)), length += 4;
    }
}

// Number of characters, or minus the place of the first bad byte less one.
static NOINLINE i32 validate(const u8 *p, u32 n, u32 *sum) {
    i32 count = 0;
    u32 i = 0, s = *sum;
    while (i < n) {
        u32 c = p[i], need, least;
        if (c < 0x80) {
            s = s * 31 + c;
            i++, count++;
            continue;
        }
        if ((c & 0xe0) == 0xc0) {
            need = 1, least = 0x80, c &= 31;
        } else if ((c & 0xf0) == 0xe0) {
            need = 2, least = 0x800, c &= 15;
        } else if ((c & 0xf8) == 0xf0) {
            need = 3, least = 0x10000, c &= 7;
        } else {
            return -(i32)i - 1;
        }
        if (i + need >= n) return -(i32)i - 1;
        for (u32 k = 1; k <= need; k++) {
            u32 d = p[i + k];
            if ((d & 0xc0) != 0x80) return -(i32)i - 1;
            c = c << 6 | (d & 63);
        }
        if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return -(i32)i - 1;
        s = s * 31 + c;
        i += need + 1, count++;
    }
    *sum = s;
    return count;
}

static NOINLINE u32 search_plain(const u8 *p, u32 n, const u8 *needle, u32 m) {
    u32 found = 0;
    for (u32 i = 0; i + m <= n; i++) {
        u32 k = 0;
        while (k < m && p[i + k] == needle[k]) k++;
        if (k == m) found += i;
    }
    return found;
}

static NOINLINE u32 search_horspool(const u8 *p, u32 n, const u8 *needle, u32 m) {
    static u8 shift[256];
    u32 found = 0;
    for (u32 i = 0; i < 256; i++) shift[i] = (u8)m;
    for (u32 i = 0; i + 1 < m; i++) shift[needle[i]] = (u8)(m - 1 - i);
    for (u32 at = 0; at + m <= n; at += shift[p[at + m - 1]]) {
        u32 k = m;
        while (k > 0 && p[at + k - 1] == needle[k - 1]) k--;
        if (k == 0) found += at;
    }
    return found;
}

static NOINLINE u32 fold(const u8 *p, u8 *to, u32 n) {
    u32 words = 0, inside = 0;
    for (u32 i = 0; i < n; i++) {
        u8 c = p[i];
        if (c >= 'A' && c <= 'Z') c += 32;
        u32 letter = (c >= 'a' && c <= 'z') || c >= 0x80;
        words += letter && !inside;
        inside = letter;
        to[i] = c;
    }
    return words;
}

static NOINLINE u32 distance(const u8 *a, u32 n, const u8 *b, u32 m) {
    static u32 row[65];
    for (u32 j = 0; j <= m; j++) row[j] = j;
    for (u32 i = 1; i <= n; i++) {
        u32 diagonal = row[0];
        row[0] = i;
        for (u32 j = 1; j <= m; j++) {
            u32 up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (up + 1 < best) best = up + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            diagonal = up;
        }
    }
    return row[m];
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    u32 s = 7;
    seed = 5;
    length = 0;
    while (length < SIZE - 8) {
        u32 r = rnd() % 16;
        put(r < 11 ? 'a' + rnd() % 6 : r < 12 ? ' ' : r < 13 ? 'A' + rnd() % 26 : r < 14 ? 0xe0 + rnd() % 64 : r < 15 ? 0x4e00 + rnd() % 512 : 0x1f600 + rnd() % 64);
    }
    for (i32 round = 0; round < n; round++) {
        u32 from = rnd() % (length - 80);
        sum = mix(sum, (u64)(i64)validate(text, length, &s));
        sum = mix(sum, (u64)(i64)validate(text + from, 64, &s));
        sum = mix(sum, fold(text, folded, length));
        sum = mix(sum, search_plain(folded, length, folded + from, 4));
        sum = mix(sum, search_horspool(folded, length, folded + from, 4 + (from & 7)));
        sum = mix(sum, distance(text + from, 64, folded + from / 2, 64));
        sum = mix(sum, s);
    }
    return (i64)sum;
}
