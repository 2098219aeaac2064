// Planets that attract each other, and particles in boxes that bounce: structures of floats in memory.
#include "common.h"

#define BODIES 5
#define PARTICLES 64

struct body {
    f64 x, y, z, vx, vy, vz, mass;
};

static const struct body start[BODIES] = {
    {0, 0, 0, 0, 0, 0, 39.47841760435743},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626, -0.02521836165988763,
     0.03769367487038949},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.010774346178792, 1.825662371230411, 0.008415761376584154,
     0.011286326131968767},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 1.082791006441534, 0.868713018169608, -0.010832637401363636,
     0.0017237240570597112},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.979090732243898, 0.5946989986476762, -0.034755955550407807,
     0.0020336868699246304}};

static struct body bodies[BODIES];
static struct body dust[PARTICLES];

static inline f64 root(f64 x) { return __builtin_sqrt(x); }

static NOINLINE void advance(struct body *b, i32 count, f64 dt) {
    for (i32 i = 0; i < count; i++) {
        struct body *p = &b[i];
        for (i32 j = i + 1; j < count; j++) {
            struct body *q = &b[j];
            f64 dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            f64 d2 = dx * dx + dy * dy + dz * dz;
            f64 mag = dt / (d2 * root(d2));
            p->vx -= dx * q->mass * mag;
            p->vy -= dy * q->mass * mag;
            p->vz -= dz * q->mass * mag;
            q->vx += dx * p->mass * mag;
            q->vy += dy * p->mass * mag;
            q->vz += dz * p->mass * mag;
        }
    }
    for (i32 i = 0; i < count; i++) {
        b[i].x += dt * b[i].vx;
        b[i].y += dt * b[i].vy;
        b[i].z += dt * b[i].vz;
    }
}

static NOINLINE f64 energy(const struct body *b, i32 count) {
    f64 e = 0;
    for (i32 i = 0; i < count; i++) {
        e += 0.5 * b[i].mass * (b[i].vx * b[i].vx + b[i].vy * b[i].vy + b[i].vz * b[i].vz);
        for (i32 j = i + 1; j < count; j++) {
            f64 dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
            e -= b[i].mass * b[j].mass / root(dx * dx + dy * dy + dz * dz);
        }
    }
    return e;
}

static inline f64 bounce(f64 at, f64 *speed) {
    if (at < 0) {
        *speed = -*speed;
        return -at;
    }
    if (at > 1) {
        *speed = -*speed;
        return 2 - at;
    }
    return at;
}

// Particles move, bounce from the walls, and swap velocities with neighbours that are close.
static NOINLINE u32 step_dust(f64 dt) {
    u32 hits = 0;
    for (i32 i = 0; i < PARTICLES; i++) {
        struct body *p = &dust[i];
        p->x = bounce(p->x + dt * p->vx, &p->vx);
        p->y = bounce(p->y + dt * p->vy, &p->vy);
        p->z = bounce(p->z + dt * p->vz, &p->vz);
        for (i32 j = i > 8 ? i - 8 : 0; j < i; j++) {
            struct body *q = &dust[j];
            f64 dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            if (dx * dx + dy * dy + dz * dz < 0.01) {
                f64 t = p->vx;
                p->vx = q->vx;
                q->vx = t;
                p->vz = (p->vz + q->vz) * 0.5;
                hits++;
            }
        }
    }
    return hits;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 31;
    for (i32 i = 0; i < BODIES; i++) bodies[i] = start[i];
    for (i32 i = 0; i < PARTICLES; i++) {
        struct body *p = &dust[i];
        p->x = (f64)(rnd() & 1023) / 1024, p->y = (f64)(rnd() & 1023) / 1024, p->z = (f64)(rnd() & 1023) / 1024;
        p->vx = (f64)(rnd() & 255) / 64 - 2, p->vy = (f64)(rnd() & 255) / 64 - 2, p->vz = (f64)(rnd() & 255) / 64 - 2;
        p->mass = 1;
    }
    sum = mix(sum, bits(energy(bodies, BODIES)));
    for (i32 round = 0; round < n; round++) {
        for (i32 i = 0; i < 16; i++) advance(bodies, BODIES, 0.01);
        for (i32 i = 0; i < 4; i++) sum = mix(sum, step_dust(0.015625));
    }
    return (i64)mix(sum, bits(energy(bodies, BODIES)));
}
