#!/usr/bin/env python3
"""Whether memories stay bit for bit the same without assumptions: python3 benches/strict.py LOOM [OPTIONS...]

Optimizes each program of ../shared/fused with `--egraph --strict` (and OPTIONS, for example -Oz), runs `run` of the input and of the
output with a few arguments in one instance each, and compares results and all bytes of all exported memories behind each call.
Prints a line for each program; exit code 1 when anything differs, or when no memory was compared. Needs `pip install wasmtime`.
"""
import os, subprocess, sys, tempfile, types

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("LOOM_SHARED", os.path.join(ROOT, "..", "shared"))
from wasmtime import Config, Engine, Memory

# The script that measures runs when it is imported: all but its last line.
measure = types.ModuleType("measure")
measure.__file__ = os.path.join(SHARED, "fused", "measure.py")
exec(open(measure.__file__).read().rsplit("\nmain()", 1)[0], measure.__dict__)

ARGUMENTS = [0, 1, 7, 100, 12]


def states(engine, path):
    """The results of `run`, and the memories behind each of them."""
    kept = {}
    instance = measure.Instance

    def remember(store, module, imports):
        made = instance(store, module, imports)
        kept["exports"] = made.exports(store)
        return made

    measure.Instance = remember
    try:
        run, _, store = measure.core(engine, path, False)
    finally:
        measure.Instance = instance
    memories = {n: m for n, m in kept["exports"].items() if isinstance(m, Memory)}
    for n in ARGUMENTS:
        yield run(n), {name: bytes(m.read(store)) for name, m in memories.items()}


def main():
    loom, options = sys.argv[1], sys.argv[2:] or ["-O3"]
    config = Config()
    config.wasm_multi_memory = True
    engine = Engine(config)
    failed = False
    folder = os.path.join(SHARED, "fused")
    for name in sorted(os.listdir(folder)):
        source = os.path.join(folder, name, "fused.wasm")
        if not os.path.isfile(source):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            out = os.path.join(scratch, "out.wasm")
            subprocess.run([loom, "--egraph", "--strict", *options, source, "-o", out], check=True,
                           stderr=subprocess.DEVNULL)
            compared, same = 0, True
            for (a, before), (b, after) in zip(states(engine, source), states(engine, out)):
                compared += sum(map(len, before.values()))
                same &= a == b and before == after and bool(before)
        print(f"{name:10} {'equal' if same else 'DIFFERENT'}, {compared:,} bytes of {len(before)} memories compared")
        failed |= not same or compared == 0
    sys.exit(failed)


main()
