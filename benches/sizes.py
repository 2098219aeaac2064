"""Code section sizes: python3 benches/sizes.py [--wasm-opt] LOOM [OPTIONS...] -- FILE.wasm...

Runs `LOOM OPTIONS FILE` on each file and prints the bytes of the code section before and after (from `--report`), the
user CPU seconds, and how many functions kept their old bodies; at the end the geometric mean of the ratios. With `--wasm-opt` also
the bytes that wasm-opt `-Oz` makes of the file, and the ratio to them (LOOM_WASM_OPT, see benches/speed.py). The modules that
README.md names are installed by `bash ../shared/corpus/get.sh DIR` (npm packages at fixed versions).
"""
import json, math, os, resource, subprocess, sys, tempfile

from boundary import NODE, WASM_OPT, code_bytes

# By name and never --all-features: with features that the input does not use wasm-opt may write code that it did not need.
FEATURES = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "multivalue", "bulk-memory", "reference-types", "simd", "threads",
            "multimemory"]


def by_wasm_opt(path, folder):
    out = os.path.join(folder, "wasm-opt.wasm")
    options = ["--mvp-features", "-Oz"] + [f"--enable-{f}" for f in FEATURES]
    subprocess.run([NODE, WASM_OPT, *options, path, "-o", out], check=True, stderr=subprocess.DEVNULL)
    return code_bytes(out)


def mean(logs):
    return math.exp(sum(logs) / len(logs))


def main():
    arguments = sys.argv[1:]
    against = arguments[0] == "--wasm-opt"
    split = arguments.index("--")
    command, files = arguments[int(against):split], arguments[split + 1:]
    logs, others = [], []
    for path in files:
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.json")
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run(command + ["-q", "--report", report, path, "-o", os.path.join(folder, "out.wasm")], check=True)
            seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            data = json.load(open(report))
            other = by_wasm_opt(path, folder) if against else None
        code, functions = data["code_bytes"], data["functions"]
        ratio = code["after"] / code["before"]
        logs.append(math.log(ratio))
        tail = ""
        if other:
            others.append(math.log(code["after"] / other))
            tail = f"  wasm-opt {other:9} {code['after'] / other:.4f}"
        print(f"{path[-44:]:44} {code['before']:9} {code['after']:9} {ratio:.4f} {seconds:6.2f} s"
              f"  {functions['total']} functions, {functions['raw']} raw, {functions['reverted']} reverted{tail}", flush=True)
    print(f"geometric mean {mean(logs):.4f}" + (f", to wasm-opt {mean(others):.4f}, at most {math.exp(max(others)):.4f}" if others else ""))


main()
