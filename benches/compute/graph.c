// Graphs: Dijkstra with a binary heap, components by union-find, breadth-first search over lists of edges.
#include "common.h"

#define NODES 1024
#define EDGES 6144

struct edge {
    u32 to, weight;
    i32 next;
};
static struct edge edges[EDGES];
static i32 first[NODES];
static u32 dist[NODES], position[NODES], heap[NODES + 1], parent[NODES], queue[NODES];
static u8 level[NODES];
static u32 heap_size;

static void connect(i32 slot, u32 from, u32 to, u32 weight) {
    edges[slot].to = to;
    edges[slot].weight = weight;
    edges[slot].next = first[from];
    first[from] = slot;
}

static NOINLINE void build(u32 salt) {
    for (i32 i = 0; i < NODES; i++) first[i] = -1;
    for (i32 i = 0; i < EDGES; i += 2) {
        u32 x = rnd() % NODES, y = (x + 1 + rnd() % 97 + salt) % NODES, w = 1 + rnd() % 255;
        connect(i, x, y, w);
        connect(i + 1, y, x, w);
    }
}

static void sift_up(u32 i) {
    u32 node = heap[i];
    while (i > 1 && dist[heap[i / 2]] > dist[node]) {
        heap[i] = heap[i / 2];
        position[heap[i]] = i;
        i /= 2;
    }
    heap[i] = node;
    position[node] = i;
}

static u32 take(void) {
    u32 top = heap[1], node = heap[heap_size--], i = 1;
    for (;;) {
        u32 child = 2 * i;
        if (child > heap_size) break;
        if (child < heap_size && dist[heap[child + 1]] < dist[heap[child]]) child++;
        if (dist[heap[child]] >= dist[node]) break;
        heap[i] = heap[child];
        position[heap[i]] = i;
        i = child;
    }
    heap[i] = node;
    position[node] = i;
    return top;
}

static NOINLINE u64 dijkstra(u32 source) {
    u64 sum = 0;
    for (u32 i = 0; i < NODES; i++) dist[i] = ~0u, position[i] = 0;
    heap_size = 0;
    dist[source] = 0;
    heap[++heap_size] = source;
    position[source] = 1;
    while (heap_size) {
        u32 node = take();
        sum += dist[node];
        for (i32 e = first[node]; e >= 0; e = edges[e].next) {
            u32 to = edges[e].to, d = dist[node] + edges[e].weight;
            if (d < dist[to]) {
                if (dist[to] == ~0u) {
                    heap[++heap_size] = to;
                    position[to] = heap_size;
                }
                dist[to] = d;
                sift_up(position[to]);
            }
        }
    }
    return sum;
}

static u32 find(u32 x) {
    while (parent[x] != x) {
        parent[x] = parent[parent[x]];
        x = parent[x];
    }
    return x;
}

// Weight of a light spanning forest: edges by weight class, joined where they connect two parts.
static NOINLINE u32 forest(void) {
    u32 total = 0;
    for (u32 i = 0; i < NODES; i++) parent[i] = i;
    for (u32 low = 0; low < 256; low += 32)
        for (u32 i = 0; i < EDGES; i += 2) {
            if (edges[i].weight < low || edges[i].weight >= low + 32) continue;
            u32 x = find(edges[i].to), y = find(edges[i + 1].to);
            if (x != y) {
                parent[x] = y;
                total += edges[i].weight;
            }
        }
    return total;
}

static NOINLINE u32 breadth_first(u32 source) {
    u32 in = 0, out = 0, sum = 0;
    for (u32 i = 0; i < NODES; i++) level[i] = 255;
    level[source] = 0;
    queue[in++] = source;
    while (out < in) {
        u32 node = queue[out++];
        sum += level[node] * node;
        for (i32 e = first[node]; e >= 0; e = edges[e].next) {
            if (level[edges[e].to] == 255) {
                level[edges[e].to] = (u8)(level[node] + 1);
                queue[in++] = edges[e].to;
            }
        }
    }
    return sum;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 271828;
    for (i32 round = 0; round < n; round++) {
        build((u32)round);
        for (u32 i = 0; i < 4; i++) sum = mix(sum, dijkstra(rnd() % NODES));
        sum = mix(sum, forest());
        sum = mix(sum, breadth_first(rnd() % NODES));
    }
    return (i64)sum;
}
