// A bytecode interpreter, a switch in a loop: runs a sieve, a recursive Fibonacci and a Collatz search in its own language.
#include "common.h"

enum { HALT, PUSH, LOAD, STORE, ADD, SUB, MUL, DIV, MOD, LT, EQ, NOT, JUMP, BRANCH, CALL, RET, ARG, PEEK, POKE, DUP, DROP, SWAP, SHR, AND };

static i32 code[256], stack[1024], vars[16], cells[1024];
static i32 length;

static i32 emit(i32 op) {
    code[length] = op;
    return length++;
}
static i32 emit2(i32 op, i32 x) {
    emit(op);
    return emit(x);
}

// Instructions executed are counted into *steps.
static NOINLINE i32 execute(i32 pc, i32 argument, u32 *steps) {
    i32 sp = 0, frame = 0, depth = 0, a, b;
    static i32 returns[256], frames[256];
    u32 count = 0;
    stack[sp++] = argument;
    for (;;) {
        count++;
        switch (code[pc++]) {
        case HALT: *steps += count; return stack[sp - 1];
        case PUSH: stack[sp++] = code[pc++]; break;
        case LOAD: stack[sp++] = vars[code[pc++]]; break;
        case STORE: vars[code[pc++]] = stack[--sp]; break;
        case ADD: b = stack[--sp]; stack[sp - 1] += b; break;
        case SUB: b = stack[--sp]; stack[sp - 1] -= b; break;
        case MUL: b = stack[--sp]; stack[sp - 1] *= b; break;
        case DIV: b = stack[--sp]; stack[sp - 1] = b ? (i32)((u32)stack[sp - 1] / (u32)b) : 0; break;
        case MOD: b = stack[--sp]; stack[sp - 1] = b ? (i32)((u32)stack[sp - 1] % (u32)b) : 0; break;
        case LT: b = stack[--sp]; stack[sp - 1] = stack[sp - 1] < b; break;
        case EQ: b = stack[--sp]; stack[sp - 1] = stack[sp - 1] == b; break;
        case NOT: stack[sp - 1] = !stack[sp - 1]; break;
        case JUMP: pc = code[pc]; break;
        case BRANCH: a = code[pc++]; if (stack[--sp]) pc = a; break;
        case CALL: // One argument, on the stack.
            returns[depth & 255] = pc + 1, frames[depth++ & 255] = frame;
            frame = sp - 1;
            pc = code[pc];
            break;
        case RET:
            a = stack[sp - 1];
            sp = frame + 1;
            stack[frame] = a;
            depth--;
            pc = returns[depth & 255], frame = frames[depth & 255];
            break;
        case ARG: stack[sp++] = stack[frame]; break;
        case PEEK: stack[sp - 1] = cells[stack[sp - 1] & 1023]; break;
        case POKE: a = stack[--sp]; cells[a & 1023] = stack[--sp]; break;
        case DUP: stack[sp] = stack[sp - 1]; sp++; break;
        case DROP: sp--; break;
        case SWAP: a = stack[sp - 1]; stack[sp - 1] = stack[sp - 2]; stack[sp - 2] = a; break;
        case SHR: b = stack[--sp]; stack[sp - 1] = (i32)((u32)stack[sp - 1] >> (b & 31)); break;
        case AND: b = stack[--sp]; stack[sp - 1] &= b; break;
        default: *steps += count; return -1;
        }
    }
}

static i32 fibonacci(void) {
    i32 start = emit2(CALL, length + 3) - 1;
    emit(HALT);
    i32 f = length;
    emit(ARG), emit2(PUSH, 2), emit(LT);
    i32 leaf = emit2(BRANCH, 0);
    emit(ARG), emit2(PUSH, 1), emit(SUB), emit2(CALL, f);
    emit(ARG), emit2(PUSH, 2), emit(SUB), emit2(CALL, f), emit(ADD), emit(RET);
    code[leaf] = length;
    emit(ARG), emit(RET);
    return start;
}

static i32 sieve(i32 limit) {
    i32 start = emit2(PUSH, 2) - 1;
    emit2(STORE, 0), emit2(PUSH, 0), emit2(STORE, 2);
    i32 next = length;
    emit2(LOAD, 0), emit(PEEK);
    i32 composite = emit2(BRANCH, 0);
    emit2(LOAD, 2), emit2(PUSH, 1), emit(ADD), emit2(STORE, 2);
    emit2(LOAD, 0), emit(DUP), emit(ADD), emit2(STORE, 1);
    i32 inner = length;
    emit2(LOAD, 1), emit2(PUSH, limit), emit(LT), emit(NOT);
    i32 done = emit2(BRANCH, 0);
    emit2(PUSH, 1), emit2(LOAD, 1), emit(POKE), emit2(LOAD, 1), emit2(LOAD, 0), emit(ADD), emit2(STORE, 1), emit2(JUMP, inner);
    code[composite] = code[done] = length;
    emit2(LOAD, 0), emit2(PUSH, 1), emit(ADD), emit(DUP), emit2(STORE, 0), emit2(PUSH, limit), emit(LT), emit2(BRANCH, next);
    emit2(LOAD, 2), emit(HALT);
    return start;
}

static i32 collatz(void) {
    i32 start = emit2(STORE, 3) - 1;
    emit2(PUSH, 0), emit2(STORE, 4);
    i32 next = length;
    emit2(LOAD, 3), emit2(PUSH, 1), emit(EQ);
    i32 end = emit2(BRANCH, 0);
    emit2(LOAD, 4), emit2(PUSH, 1), emit(ADD), emit2(STORE, 4);
    emit2(LOAD, 3), emit2(PUSH, 1), emit(AND);
    i32 odd = emit2(BRANCH, 0);
    emit2(LOAD, 3), emit2(PUSH, 1), emit(SHR), emit2(STORE, 3), emit2(JUMP, next);
    code[odd] = length;
    emit2(LOAD, 3), emit2(PUSH, 3), emit(MUL), emit2(PUSH, 1), emit(ADD), emit2(STORE, 3), emit2(JUMP, next);
    code[end] = length;
    emit2(LOAD, 4), emit(HALT);
    return start;
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    u32 steps = 0;
    length = 0;
    i32 fib = fibonacci(), primes = sieve(1000), steps_to_one = collatz();
    for (i32 round = 0; round < n; round++) {
        for (i32 i = 0; i < 1024; i++) cells[i] = 0;
        sum = mix(sum, (u32)execute(fib, 11 + (round & 1), &steps));
        sum = mix(sum, (u32)execute(primes, 0, &steps));
        for (i32 i = 1; i < 20; i++) sum = mix(sum, (u32)execute(steps_to_one, 26 + i + round, &steps));
    }
    return (i64)mix(sum, steps);
}
