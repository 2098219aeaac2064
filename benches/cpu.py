"""CPU time against Binaryen: python3 benches/cpu.py LOOM [OPTIONS...] -- FILE.wasm...

Runs `LOOM OPTIONS -j1 FILE` and, as a process of its own on one core, `-O3` of the native libbinaryen 116 of `pip install
icpp-binaryen` on each file, in turn and three times, and prints the least user CPU seconds of each, their ratio, loom's time on
two threads (wall, one by two) and its peak memory against 8 times the input plus 100 MB. Files that Binaryen cannot read are named.
"""
import math, os, resource, subprocess, sys, time

# The features that the corpus uses, by name; never all.
FEATURES = "MutableGlobals NontrappingFPToInt SIMD128 BulkMemory SignExt ReferenceTypes Multivalue MultiMemory Atomics"

BINARYEN = """
import ctypes, os, sys, icpp_binaryen
lib = ctypes.CDLL(os.path.join(os.path.dirname(icpp_binaryen.__file__), "lib", "libbinaryen.so"))
lib.BinaryenModuleRead.restype = ctypes.c_void_p
lib.BinaryenModuleRead.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
lib.BinaryenModuleSetFeatures.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
lib.BinaryenModuleOptimize.argtypes = [ctypes.c_void_p]
lib.BinaryenModuleWrite.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
lib.BinaryenModuleWrite.restype = ctypes.c_size_t
lib.BinaryenSetOptimizeLevel(3)
lib.BinaryenSetShrinkLevel(0)
data = open(sys.argv[1], "rb").read()
module = lib.BinaryenModuleRead(data, len(data))
features = 0
for name in sys.argv[2].split():
    features |= getattr(lib, "BinaryenFeature" + name)()
lib.BinaryenModuleSetFeatures(module, features)
lib.BinaryenModuleOptimize(module)
room = ctypes.create_string_buffer(2 * len(data) + 65536)
print(lib.BinaryenModuleWrite(module, room, len(room)))
"""


def run(command, env=None):
    """User CPU seconds, wall seconds, peak MB of a command, or None when it fails."""
    began, wall = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.time()
    child = subprocess.Popen(["/usr/bin/time", "-f", "%M"] + command, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, env=env)
    _, error = child.communicate()
    if child.returncode != 0:
        return None
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
    return seconds, time.time() - wall, int(error.split()[-1]) / 1024


def least(runs, i):
    return min(r[i] for r in runs)


def main():
    split = sys.argv.index("--")
    loom, files = sys.argv[1:split], sys.argv[split + 1:]
    env = dict(os.environ, BINARYEN_CORES="1")
    start = least([run([sys.executable, "-c", "import ctypes, icpp_binaryen"]) for _ in range(3)], 0)
    logs = []
    print(f"{'module':44} {'MB':>6} {'loom s':>7} {'wasm-opt s':>10} {'ratio':>6} {'-j2':>5} {'peak MB':>8} {'limit':>6}")
    for path in files:
        one, two, other = [], [], []
        for _ in range(3):
            one.append(run(loom + ["-q", "-j1", path, "-o", "/dev/null"]))
            two.append(run(loom + ["-q", "-j2", path, "-o", "/dev/null"]))
            other.append(run([sys.executable, "-c", BINARYEN, path, FEATURES], env))
        size = os.path.getsize(path) / 1e6
        mine, wall = least(one, 0), least(one, 1) / least(two, 1)
        peak = max(r[2] for r in two)
        head = f"{os.path.basename(path)[:44]:44} {size:6.2f} {mine:7.2f}"
        tail = f"{wall:5.2f} {peak:8.0f} {size * 8 + 100:6.0f}"
        if None in other:
            print(f"{head} {'cannot':>10} {'':6} {tail}", flush=True)
            continue
        # Modules of a few kilobytes take less than starting Python does.
        theirs = max(least(other, 0) - start, 0.01)
        logs.append(math.log(mine / theirs))
        print(f"{head} {theirs:10.2f} {mine / theirs:6.2f} {tail}", flush=True)
    if logs:
        print(f"geometric mean of the ratios {math.exp(sum(logs) / len(logs)):.3f}")


main()
