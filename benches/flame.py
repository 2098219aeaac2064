"""Stacks for a flame graph: perf script ... | inferno-collapse-perf | python3 benches/flame.py | inferno-flamegraph > flame.svg

Keeps of every stack the frames from loom's own stage on, nine at most: what stands around them belongs to the thread pool. Type
arguments are left out, and equal frames become one.
"""
import re, sys
from collections import Counter

STAGES = ("optimize_function", "lift_capped", "assemble", "decode_with", "builtin_rules", "survey")


def plain(frame):
    while (shorter := re.sub(r"<[^<>]*>", "", frame)) != frame:
        frame = shorter
    return frame.replace("{{closure}}", "").replace("loom_wasm::", "").strip(": ")


sums = Counter()
for line in sys.stdin:
    stack, count = line.rstrip().rsplit(" ", 1)
    frames = [f for f in map(plain, stack.split(";")) if f]
    start = next((i for stage in STAGES for i, f in enumerate(frames) if stage in f), None)
    frames = frames[start:] if start is not None else ["elsewhere"] + frames[-1:]
    frames = [f for i, f in enumerate(frames) if i == 0 or f != frames[i - 1]]
    sums[";".join(frames[:9])] += int(count)
for stack, count in sorted(sums.items()):
    print(stack, count)
