"""Instruction counts of the optimizer against a committed table: python3 benches/instructions.py [--check | --bless] [LOOM]

Counts with `valgrind --tool=callgrind` what LOOM (default target/release/loom) executes for each line of
snapshots/instructions.txt on one thread, prints it next to the table, and with `--check` fails where a count is more than
3 % above it, or below it (then the gain is to be kept: `--bless` writes the table anew). Instructions are counted and not
seconds, because they hardly differ between runs and machines; they do differ between compilers, so a table made by another
rustc or C library is not compared, and the script says so. Reading the clock is left out: `quanta`, under egg, calibrates itself
for as long as it takes, which made two runs differ by 3 % (without it: 0.1 %).

The smaller modules are mostly start-up: reading and compiling the rules. `startup` is a module with one empty function.
"""
import os, platform, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "snapshots", "instructions.txt")
TOLERANCE = 0.03
SAMPLES = "tests/samples/fused/"
# A line of callgrind_annotate, and the lines that are left out.
COST = re.compile(r"\s*([\d,]+) \(\s*[\d.]+%\)  (.*)")
CLOCK = re.compile(r"quanta|clock_gettime|vdso")
# Five modules; the largest in every mode.
CASES = [
    ("startup", "--egraph -O3"),
    (SAMPLES + "strings/fused.wasm", "-O2"),
    (SAMPLES + "strings/fused.wasm", "--egraph -Oz"),
    (SAMPLES + "strings/fused.wasm", "--egraph -O3"),
    (SAMPLES + "shapes/rec.wasm", "--egraph -O3"),
    (SAMPLES + "shapes/async.wasm", "--egraph -O3"),
    (SAMPLES + "shapes/str.wasm", "--egraph -Oz"),
    (SAMPLES + "shapes/opt.wasm", "--egraph -Oz"),
]


def made_with():
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    # The C library too: malloc and memcpy are a quarter of a run.
    return f"{rustc}, {platform.machine()}, {' '.join(platform.libc_ver())}, release"


def count(loom, case):
    module, options = case
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(ROOT, module)
        if module == "startup":
            path = os.path.join(folder, "startup.wat")
            with open(path, "w") as f:
                f.write("(module (func))")
        data = os.path.join(folder, "callgrind")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={data}", loom]
        command += options.split() + ["-q", "-j1", path, "-o", os.path.join(folder, "out.wasm")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", data]
        lines = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout.splitlines()
    costs = [(int(m[1].replace(",", "")), m[2]) for m in map(COST.match, lines) if m]
    clock = sum(n for n, what in costs if CLOCK.search(what))
    return next(n for n, what in costs if what == "PROGRAM TOTALS") - clock


def read_table():
    header, rows = "", {}
    if os.path.exists(TABLE):
        for line in open(TABLE):
            if line.startswith("# made with "):
                header = line[len("# made with "):].strip()
            elif not line.startswith("#") and line.strip():
                module, rest = line.split(None, 1)
                options, number = rest.rsplit(None, 1)
                rows[module, options.strip()] = int(number)
    return header, rows


def main():
    mode = next((a for a in sys.argv[1:] if a.startswith("--")), "")
    loom = next((a for a in sys.argv[1:] if not a.startswith("--")), os.path.join(ROOT, "target/release/loom"))
    if mode not in ("", "--check", "--bless"):
        sys.exit(__doc__)
    if not shutil.which("valgrind"):
        if mode == "--bless":
            sys.exit("valgrind is not installed")
        print("skipped: valgrind is not installed")
        return
    header, table = read_table()
    if mode == "--check" and header != made_with():
        print(f"skipped: the table was made with {header}, this is {made_with()}")
        return
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda case: count(loom, case), CASES))
    wrong = []
    for case, new in zip(CASES, counts):
        old = table.get(case)
        ratio = new / old if old else None
        print(f"{case[0]:40} {case[1]:14} {new:>13} {f'{ratio:.4f}' if ratio else 'new':>7}")
        if ratio is None or abs(ratio - 1) > TOLERANCE:
            wrong.append(case[0])
    if mode == "--bless":
        with open(TABLE, "w") as f:
            f.write("# Instructions that loom executes, by callgrind. python3 benches/instructions.py --bless writes this file.\n")
            f.write(f"# made with {made_with()}\n")
            for (module, options), new in zip(CASES, counts):
                f.write(f"{module:40} {options:14} {new}\n")
    elif mode == "--check" and wrong:
        sys.exit(f"{len(wrong)} counts are off by more than {TOLERANCE:.0%}. If that is meant, or a gain: "
                 "cargo build --release && python3 benches/instructions.py --bless")


main()
