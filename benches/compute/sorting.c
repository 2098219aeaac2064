// Quicksort of integers, heapsort of floats, and a merge sort of records through pointers.
#include "common.h"

#define N 2000

static i32 ints[N];
static f64 floats[N];

struct record {
    i32 key;
    u16 group;
    u16 age;
    f64 weight;
};
static struct record records[N];
static struct record *order[N], *spare[N];

static void insertion(i32 *a, i32 lo, i32 hi) {
    for (i32 i = lo + 1; i <= hi; i++) {
        i32 x = a[i], j = i - 1;
        while (j >= lo && a[j] > x) {
            a[j + 1] = a[j];
            j--;
        }
        a[j + 1] = x;
    }
}

static NOINLINE void quicksort(i32 *a, i32 lo, i32 hi) {
    while (hi - lo > 12) {
        // Median of three as the pivot.
        i32 x = a[lo], y = a[(lo + hi) >> 1], z = a[hi];
        i32 pivot = x < y ? (y < z ? y : (x < z ? z : x)) : (x < z ? x : (y < z ? z : y));
        i32 i = lo, j = hi;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                i32 t = a[i];
                a[i] = a[j];
                a[j] = t;
                i++;
                j--;
            }
        }
        // The smaller part by recursion, the larger one by the loop.
        if (j - lo < hi - i) {
            quicksort(a, lo, j);
            lo = i;
        } else {
            quicksort(a, i, hi);
            hi = j;
        }
    }
    insertion(a, lo, hi);
}

static void sift(f64 *a, i32 root, i32 n) {
    f64 x = a[root];
    for (;;) {
        i32 child = 2 * root + 1;
        if (child >= n) break;
        if (child + 1 < n && a[child + 1] > a[child]) child++;
        if (!(a[child] > x)) break;
        a[root] = a[child];
        root = child;
    }
    a[root] = x;
}

static NOINLINE void heapsort(f64 *a, i32 n) {
    for (i32 i = n / 2 - 1; i >= 0; i--) sift(a, i, n);
    for (i32 i = n - 1; i > 0; i--) {
        f64 t = a[0];
        a[0] = a[i];
        a[i] = t;
        sift(a, 0, i);
    }
}

static i32 before(const struct record *p, const struct record *q) {
    if (p->group != q->group) return p->group < q->group;
    if (p->weight != q->weight) return p->weight < q->weight;
    return p->key <= q->key;
}

static NOINLINE void merge_sort(struct record **a, struct record **tmp, i32 n) {
    for (i32 width = 1; width < n; width *= 2) {
        for (i32 lo = 0; lo < n; lo += 2 * width) {
            i32 mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            i32 i = lo, j = mid;
            for (i32 k = lo; k < hi; k++)
                tmp[k] = (i < mid && (j >= hi || before(a[i], a[j]))) ? a[i++] : a[j++];
        }
        for (i32 k = 0; k < n; k++) a[k] = tmp[k];
    }
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 88172645463325252ull;
    for (i32 round = 0; round < n; round++) {
        for (i32 i = 0; i < N; i++) {
            ints[i] = (i32)rnd();
            floats[i] = (f64)(i32)rnd() / 65536.0;
            records[i].key = i;
            records[i].group = rnd() % 17;
            records[i].weight = (f64)(rnd() & 255);
            order[i] = &records[i];
        }
        quicksort(ints, 0, N - 1);
        heapsort(floats, N);
        merge_sort(order, spare, N);
        for (i32 i = 0; i < N; i += 97)
            sum = mix(mix(mix(sum, (u32)ints[i]), bits(floats[i])), (u32)order[i]->key);
    }
    return (i64)sum;
}
