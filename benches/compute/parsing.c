// A text in the manner of JSON is written, read back by a recursive descent parser, and expressions in it are evaluated.
#include "common.h"

#define SIZE 32768

static u8 text[SIZE];
static u32 used, at;

static void put(u8 c) {
    if (used < SIZE) text[used++] = c;
}
static void puts_(const char *s) {
    while (*s) put((u8)*s++);
}
static void put_number(i32 v) {
    u8 digits[12];
    i32 k = 0;
    u32 m = v < 0 ? 0u - (u32)v : (u32)v;
    if (v < 0) put('-');
    do digits[k++] = (u8)('0' + m % 10);
    while (m /= 10);
    while (k) put(digits[--k]);
}

static void write_value(i32 depth) {
    u32 kind = depth > 4 ? rnd() % 4 : rnd() % 7;
    u32 count = 1 + rnd() % 5;
    switch (kind) {
    case 0: put_number((i32)rnd() >> 8); break;
    case 1: puts_(rnd() & 1 ? "true" : "null"); break;
    case 2: puts_("\"tag\\n"); put_number((i32)(rnd() & 255)); puts_(" \\u00e9\""); break;
    case 3: // An expression as a string: evaluated when it is read.
        puts_("\"=");
        for (u32 i = 0; i < count + 2; i++) {
            if (i) put((u8)"+-*/%"[rnd() % 5]);
            if (rnd() % 3 == 0) puts_("(7-");
            put_number((i32)(rnd() % 1000));
            if (text[used - 4] == '-' || text[used - 3] == '-' || text[used - 2] == '-') put(')');
        }
        put('"');
        break;
    case 4:
    case 5:
        puts_("{ ");
        for (u32 i = 0; i < count; i++) {
            puts_(i ? ", \"k" : "\"k");
            put_number((i32)i);
            puts_("\": ");
            write_value(depth + 1);
        }
        puts_(" }");
        break;
    default:
        put('[');
        for (u32 i = 0; i < count; i++) {
            if (i) puts_(",\n  ");
            write_value(depth + 1);
        }
        put(']');
    }
}

static void blanks(void) {
    while (at < used && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) at++;
}

static i64 expression(i32 level);

static i64 atom(void) {
    i64 v = 0;
    if (text[at] == '(') {
        at++;
        v = expression(0);
        if (text[at] == ')') at++;
        return v;
    }
    i32 minus = text[at] == '-';
    at += (u32)minus;
    while ((u8)(text[at] - '0') < 10) v = v * 10 + (text[at++] - '0');
    return minus ? -v : v;
}

static NOINLINE i64 expression(i32 level) {
    i64 left = level == 1 ? atom() : expression(1);
    for (;;) {
        u8 op = text[at];
        i32 wanted = op == '+' || op == '-' ? 0 : op == '*' || op == '/' || op == '%' ? 1 : -1;
        if (wanted != level) return left;
        at++;
        i64 right = level == 1 ? atom() : expression(1);
        switch (op) {
        case '+': left += right; break;
        case '-': left -= right; break;
        case '*': left *= right; break;
        case '/': left = right > 0 ? left / right : left; break;
        default: left = right > 0 ? left % right : 0;
        }
    }
}

static u64 string(void) {
    u64 h = 5381;
    at++;
    if (text[at] == '=') {
        at++;
        h = (u64)expression(0);
        while (at < used && text[at] != '"') at++;
        at++;
        return h;
    }
    while (at < used && text[at] != '"') {
        u32 c = text[at++];
        if (c == '\\') {
            c = text[at++];
            if (c == 'n') c = '\n';
            if (c == 'u') {
                c = 0;
                for (i32 i = 0; i < 4; i++) {
                    u32 d = text[at++];
                    c = c * 16 + (d <= '9' ? d - '0' : (d | 32) - 'a' + 10);
                }
            }
        }
        h = h * 33 + c;
    }
    at++;
    return h;
}

static NOINLINE u64 value(void) {
    u64 sum = 3;
    blanks();
    switch (text[at]) {
    case '{':
        at++;
        for (;;) {
            blanks();
            if (at >= used || text[at] == '}') break;
            sum = mix(sum, string());
            blanks();
            at++;
            sum = mix(sum, value());
            blanks();
            if (text[at] == ',') at++;
        }
        at++;
        return sum;
    case '[':
        at++;
        for (;;) {
            blanks();
            if (at >= used || text[at] == ']') break;
            sum = mix(sum, value());
            blanks();
            if (text[at] == ',') at++;
        }
        at++;
        return sum;
    case '"': return string();
    case 't':
    case 'n': at += 4; return text[at - 4];
    default: {
        u32 start = at;
        u64 v = (u64)atom();
        at += at == start;
        return v;
    }
    }
}

EXPORT i64 run(i32 n) {
    u64 sum = 1;
    seed = 99;
    used = 0;
    while (used < 8192) {
        write_value(0);
        put(' ');
    }
    for (i32 round = 0; round < n; round++) {
        at = 0;
        while (at < used) {
            sum = mix(sum, value());
            blanks();
        }
    }
    return (i64)sum;
}
