"""Which operators run more or less often: python3 benches/hot.py LOOM N BEFORE.wasm AFTER.wasm [--function NAME] [--top K]

Runs run(N) of both with a counter in each straight piece of code, and prints what changed: for each function with the largest
difference, the operators that run more or less often. `--function` prints that function of both with the count of every line
instead: the inner loop is where the counts are large. Needs `pip install wasmtime==50.0.1`; the text comes from `LOOM -O0 --emit
wat`, which copies bodies. Use it on a program that benches/speed.py (with --keep DIR) says to run more instructions than before.
"""
import os, re, subprocess, sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# What wasmtime counts no fuel for.
FREE = {"block", "loop", "end", "else", "nop", "drop", "return", "unreachable"}
# After these begins another piece: control can come from elsewhere, or go elsewhere.
BORDERS = {"loop", "if", "else", "end", "br_if", "br_on_null", "br_on_non_null"}


def text_of(loom, path):
    done = subprocess.run([loom, "-q", "-O0", "--emit", "wat", path, "-o", "-"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def instrument(lines):
    """The text with counters, and for each function its name and lines with the number of their counter."""
    out, functions, current, counters = [], [], None, 0
    fresh = False
    for line in lines[:-1]:
        word = line.strip()
        if line.startswith("  (func "):
            name = re.match(r"\(func (\$(?:\"(?:[^\"\\]|\\.)*\"|\S+))?\s*(?:\(;(\d+);\))?", word)
            current = (name[1] or name[2], [])
            functions.append(current)
            fresh = not line.endswith(")" * 2) or "(type" in line
            out.append(line)
            continue
        if not line.startswith("    ") or word.startswith("("):
            if line.startswith("  )"):
                current = None
            out.append(line)
            continue
        if current is None:
            out.append(line)
            continue
        if fresh:
            out.append(f"global.get $__c{counters} i64.const 1 i64.add global.set $__c{counters}")
            counters += 1
            fresh = False
        op = word.split()[0]
        current[1].append((counters - 1, op, line))
        out.append(line)
        fresh = op in BORDERS
    out += [f'  (global $__c{k} (export "__c{k}") (mut i64) (i64.const 0))' for k in range(counters)]
    return "\n".join(out + [lines[-1]]), functions


def profile(loom, path, n):
    import speed
    from wasmtime import Engine, wat2wasm
    text, functions = instrument(text_of(loom, path))
    file = f"/tmp/hot-{os.getpid()}.wasm"
    with open(file, "wb") as f:
        f.write(wat2wasm(text))
    running = speed.Running(Engine(), file, False)
    os.remove(file)
    running.run(n)
    count = {}

    def executed(k):
        if k not in count:
            count[k] = running.exports[f"__c{k}"].value(running.store)
        return count[k]

    return {name: [(executed(k), op, line) for k, op, line in lines] for name, lines in functions}


def main():
    args = sys.argv[1:]
    chosen = {"--function": None, "--top": "6"}
    for option in chosen:
        if option in args:
            at = args.index(option)
            chosen[option] = args[at + 1]
            del args[at:at + 2]
    if len(args) != 4:
        sys.exit(__doc__)
    loom, n, before, after = args
    before, after = (profile(loom, path, int(n)) for path in (before, after))
    if chosen["--function"]:
        for title, side in (("before", before), ("after", after)):
            print(f";; {title}")
            for times, _, line in side.get(chosen["--function"], []):
                print(f"{times:12} {line}")
        return
    changes = []
    for name in sorted(set(before) | set(after)):
        counts = []
        for side in (before, after):
            ops = Counter()
            for times, op, _ in side.get(name, []):
                ops[op] += 0 if op in FREE else times
            counts.append(ops)
        old, new = counts
        if old != new:
            changes.append((sum(new.values()) - sum(old.values()), name, old, new))
    changes.sort(key=lambda c: -abs(c[0]))
    for difference, name, old, new in changes[:int(chosen["--top"])]:
        print(f"{name}: {sum(old.values())} -> {sum(new.values())} ({difference:+})")
        rows = sorted(((new[op] - old[op], op) for op in old | new if new[op] != old[op]), key=lambda r: -abs(r[0]))
        print("   " + ", ".join(f"{op} {change:+}" for change, op in rows[:16]))


if __name__ == "__main__":
    main()
