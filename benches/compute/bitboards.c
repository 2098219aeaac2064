// Chess-like move generation on boards of 64 bits: slides by shifting, knights, counting of moves to some depth; also queens.
#include "common.h"

typedef u64 board;

struct position {
    board own, other, rooks, bishops, knights, kings, pawns;
};

#define FILE_A 0x0101010101010101ull
#define FILE_H 0x8080808080808080ull

static inline i32 lowest(board b) { return __builtin_ctzll(b); }
static inline i32 count(board b) { return __builtin_popcountll(b); }

static inline board slide(board from, board empty, i32 shift, board border) {
    board all = 0;
    for (;;) {
        from = shift > 0 ? (from & ~border) << shift : (from & ~border) >> -shift;
        if (!from) return all;
        all |= from;
        from &= empty;
    }
}

static NOINLINE board rook(board from, board empty) {
    return slide(from, empty, 8, 0) | slide(from, empty, -8, 0) | slide(from, empty, 1, FILE_H) | slide(from, empty, -1, FILE_A);
}
static NOINLINE board bishop(board from, board empty) {
    return slide(from, empty, 9, FILE_H) | slide(from, empty, -9, FILE_A) | slide(from, empty, 7, FILE_A) | slide(from, empty, -7, FILE_H);
}
static board knight(board b) {
    board l1 = (b >> 1) & 0x7f7f7f7f7f7f7f7full, l2 = (b >> 2) & 0x3f3f3f3f3f3f3f3full;
    board r1 = (b << 1) & 0xfefefefefefefefeull, r2 = (b << 2) & 0xfcfcfcfcfcfcfcfcull;
    board h1 = l1 | r1, h2 = l2 | r2;
    return h1 << 16 | h1 >> 16 | h2 << 8 | h2 >> 8;
}
static board king(board b) {
    board row = b | ((b & ~FILE_H) << 1) | ((b & ~FILE_A) >> 1);
    return (row | row << 8 | row >> 8) ^ b;
}

static board flip(board b) { return __builtin_bswap64(b); }

// Targets of the piece on a square.
static inline board targets(const struct position *p, board piece) {
    board empty = ~(p->own | p->other), to = 0;
    if (piece & p->rooks) to |= rook(piece, empty);
    if (piece & p->bishops) to |= bishop(piece, empty);
    if (piece & p->knights) to |= knight(piece);
    if (piece & p->kings) to |= king(piece);
    if (piece & p->pawns) to |= ((piece << 8) & empty) | ((((piece & ~FILE_A) << 7) | ((piece & ~FILE_H) << 9)) & p->other);
    return to & ~p->own;
}

static NOINLINE u64 moves(const struct position *p, i32 depth, u64 *value) {
    u64 nodes = 0;
    for (board rest = p->own; rest; rest &= rest - 1) {
        board piece = rest & -rest, to = targets(p, piece);
        if (depth <= 1) {
            nodes += (u64)count(to);
            *value += (u64)(count(to & 0x0000001818000000ull) * 3 + count(to & p->other) * 9);
            continue;
        }
        for (; to; to &= to - 1) {
            board target = to & -to, keep = ~(piece | target);
            struct position next;
            next.other = flip((p->own & keep) | target);
            next.own = flip(p->other & ~target);
            next.rooks = flip((p->rooks & keep) | (piece & p->rooks ? target : 0));
            next.bishops = flip((p->bishops & keep) | (piece & p->bishops ? target : 0));
            next.knights = flip((p->knights & keep) | (piece & p->knights ? target : 0));
            next.kings = flip((p->kings & keep) | (piece & p->kings ? target : 0));
            next.pawns = flip((p->pawns & keep) | (piece & p->pawns ? target : 0));
            nodes += moves(&next, depth - 1, value);
        }
    }
    return nodes;
}

static NOINLINE u32 queens(u32 all, u32 columns, u32 left, u32 right) {
    u32 solutions = 0;
    if (columns == all) return 1;
    for (u32 free = all & ~(columns | left | right); free; free &= free - 1) {
        u32 bit = free & -free;
        solutions += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return solutions;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1, value = 0;
    seed = 64;
    for (i32 round = 0; round < n; round++) {
        struct position p = {0xffff, 0xffff000000000000ull, 0x8900000000000089ull, 0x2c0000000000002cull, 0x4200000000000042ull,
                             0x1000000000000010ull, 0x00ff00000000ff00ull};
        // Some pawns vanish, so that the others have room.
        board gone = ((u64)rnd() & rnd()) << (rnd() % 24);
        p.own &= ~(gone & p.pawns), p.other &= ~(gone & p.pawns), p.pawns &= ~gone;
        sum = mix(sum, moves(&p, 3, &value));
        sum = mix(sum, queens(63, 0, 0, 0));
        sum = mix(sum, (u64)lowest(gone | 1ull << 63));
    }
    return (i64)mix(sum, value);
}
