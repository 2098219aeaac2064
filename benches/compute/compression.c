// LZ77 with hash chains, its symbols written with a Huffman code, then decoded and compared.
#include "common.h"

#define SIZE 8192
#define HASHES 1024
#define SYMBOLS 288

static u8 source[SIZE + 8], packed[2 * SIZE], restored[SIZE + 300];
static i32 head[HASHES], chain[SIZE];
static u16 symbols[SIZE], distances[SIZE];
static u32 frequency[SYMBOLS], weight[2 * SYMBOLS], codes[SYMBOLS];
static u16 parent[2 * SYMBOLS], left[2 * SYMBOLS], right[2 * SYMBOLS];
static u8 lengths[SYMBOLS];
static u32 root, bit_buffer, bit_count, out_at, in_at;

static void text(void) {
    static const char words[] = "the quick brown fox jumps over a lazy dog and then some more ";
    u32 at = 0;
    while (at < SIZE) {
        u32 from = rnd() % 50, count = 3 + rnd() % 11;
        for (u32 i = 0; i < count && at < SIZE; i++) source[at++] = (u8)words[(from + i) % 61];
        if (rnd() % 4 == 0 && at < SIZE) source[at++] = (u8)rnd();
    }
}

static NOINLINE u32 find_matches(void) {
    u32 count = 0;
    for (i32 i = 0; i < HASHES; i++) head[i] = -1;
    for (i32 at = 0; at < SIZE;) {
        i32 best = 0, where = 0, limit = SIZE - at < 32 ? SIZE - at : 32;
        u32 h = ((source[at] << 16 | source[at + 1] << 8 | source[at + 2]) * 2654435761u) >> 22;
        i32 candidate = head[h];
        for (i32 tries = 0; candidate >= 0 && tries < 16; tries++) {
            i32 k = 0;
            while (k < limit && source[candidate + k] == source[at + k]) k++;
            if (k > best) {
                best = k;
                where = candidate;
            }
            candidate = chain[candidate];
        }
        chain[at] = head[h];
        head[h] = at;
        if (best >= 4) {
            symbols[count] = (u16)(256 + best - 4);
            distances[count++] = (u16)(at - where);
            at += best;
        } else {
            symbols[count++] = source[at++];
        }
    }
    return count;
}

// A Huffman tree by repeated choice of the two lightest, in a binary heap of nodes.
static u16 heap[2 * SYMBOLS];
static i32 heap_size;

static void push(u32 node) {
    i32 i = heap_size++;
    while (i > 0 && weight[heap[(i - 1) / 2]] > weight[node]) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = (u16)node;
}

static u32 pop(void) {
    u32 top = heap[0], last = heap[--heap_size];
    i32 i = 0;
    for (i32 child = 1; child < heap_size; child = 2 * i + 1) {
        if (child + 1 < heap_size && weight[heap[child + 1]] < weight[heap[child]]) child++;
        if (weight[heap[child]] >= weight[last]) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = (u16)last;
    return top;
}

static NOINLINE void build_code(u32 count) {
    for (i32 i = 0; i < SYMBOLS; i++) frequency[i] = 1;
    for (u32 i = 0; i < count; i++) frequency[symbols[i]]++;
    heap_size = 0;
    for (u32 i = 0; i < SYMBOLS; i++) {
        weight[i] = frequency[i];
        push(i);
    }
    u32 next = SYMBOLS;
    while (heap_size > 1) {
        u32 x = pop(), y = pop();
        weight[next] = weight[x] + weight[y];
        left[next] = (u16)x, right[next] = (u16)y;
        parent[x] = parent[y] = (u16)next;
        push(next++);
    }
    root = next - 1;
    for (u32 i = 0; i < SYMBOLS; i++) {
        u32 code = 0, length = 0;
        for (u32 node = i; node != root; node = parent[node]) code |= (u32)(right[parent[node]] == node) << length++;
        codes[i] = code;
        lengths[i] = (u8)length;
    }
}

static inline void write_bits(u32 value, u32 count) {
    while (count--) {
        bit_buffer = bit_buffer << 1 | ((value >> count) & 1);
        if (++bit_count == 8) {
            packed[out_at++] = (u8)bit_buffer;
            bit_count = 0;
        }
    }
}

static inline u32 read_bit(void) {
    if (bit_count == 0) {
        bit_buffer = packed[in_at++];
        bit_count = 8;
    }
    return (bit_buffer >> --bit_count) & 1;
}

static NOINLINE void encode(u32 count) {
    bit_buffer = bit_count = out_at = 0;
    for (u32 i = 0; i < count; i++) {
        write_bits(codes[symbols[i]], lengths[symbols[i]]);
        if (symbols[i] >= 256) write_bits(distances[i], 13);
    }
    write_bits(0, 7);
}

static NOINLINE u32 decode(u32 count) {
    u32 at = 0;
    bit_count = in_at = 0;
    for (u32 i = 0; i < count; i++) {
        u32 node = root;
        while (node >= SYMBOLS) node = read_bit() ? right[node] : left[node];
        if (node < 256) {
            restored[at++] = (u8)node;
        } else {
            u32 distance = 0, length = node - 256 + 4;
            for (i32 k = 0; k < 13; k++) distance = distance << 1 | read_bit();
            for (u32 k = 0; k < length; k++, at++) restored[at] = restored[at - distance];
        }
    }
    return at;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 12345;
    for (i32 round = 0; round < n; round++) {
        text();
        u32 count = find_matches();
        build_code(count);
        encode(count);
        u32 same = decode(count) == SIZE;
        for (u32 i = 0; i < SIZE; i++) same &= source[i] == restored[i];
        sum = mix(mix(mix(sum, out_at), same), packed[round & 1023]);
    }
    return (i64)sum;
}
