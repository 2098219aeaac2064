"""Time and memory over the size of the input: python3 benches/curve.py LOOM [--largest MB]

Writes one function of 1k, 10k, 100k and 1M instructions, then modules of 0.1, 1, 6 and (with `--largest 60`) 60 MB of functions of
1,000 instructions, all of the same arithmetic, loads, stores, branches and loops with other constants, and prints for
`-O3` and `--egraph -O3` on one thread the user CPU seconds, those for a million instructions, and the peak memory. What
grows linearly has the same seconds for a million instructions in every row.
"""
import os, subprocess, sys, tempfile


def uleb(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def sleb(n):
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n & 127)
    return bytes(out)


def body(size, seed):
    """A function (i32, i32) -> i32 of about `size` instructions, with how many there are."""
    code, count = bytearray(b"\x01\x02\x7f"), 0
    for group in range(10**9):
        at = group + seed
        loop = group % 8 == 7
        constant = (at * 0x9E3779B1 + 1) % 2**31
        offset = uleb(at % 64 * 4)
        code += b"\x03\x40" if loop else b""
        code += b"\x20\x00\x41" + sleb(constant) + [b"\x6a", b"\x6c", b"\x73", b"\x72"][at % 4]
        code += b"\x20\x01\x28\x02" + offset + b"\x6a\x21\x02"
        code += b"\x20\x01\x20\x02\x41\x00\x6a\x36\x02" + offset
        code += b"\x20\x02\x41\x05\x49\x04\x40\x20\x00\x41\x01\x74\x21\x00\x05\x20\x02\x21\x00\x0b"
        code += b"\x20\x02\x22\x03\x45\x0d\x00\x0b" if loop else b""
        count += 24 + 6 * loop
        if count >= size:
            code += b"\x20\x00\x0b"
            return uleb(len(code)) + bytes(code), count + 2


def module(bodies):
    """All functions are exported under their numbers, so that none is dead."""
    def section(n, data):
        return bytes([n]) + uleb(len(data)) + data
    n = len(bodies)
    names = [str(i).encode() for i in range(n)]
    exports = uleb(n) + b"".join(uleb(len(x)) + x + b"\x00" + uleb(i) for i, x in enumerate(names))
    return (b"\0asm\1\0\0\0" + section(1, b"\x01\x60\x02\x7f\x7f\x01\x7f") + section(3, uleb(n) + b"\0" * n)
            + section(5, b"\x01\x00\x01") + section(7, exports) + section(10, uleb(n) + b"".join(bodies)))


def inputs(largest):
    for name, size in [("1k", 10**3), ("10k", 10**4), ("100k", 10**5), ("1M", 10**6)]:
        code, count = body(size, 0)
        yield f"one function of {name}", module([code]), count
    for megabytes in [s for s in (0.1, 1, 6, 60) if s <= largest]:
        bodies, total, length = [], 0, 0
        while length < megabytes * 1e6:
            code, count = body(1000, 37 * len(bodies))
            bodies.append(code)
            total += count
            length += len(code)
        yield f"module of {megabytes} MB", module(bodies), total


def main():
    loom = sys.argv[1]
    largest = float(sys.argv[sys.argv.index("--largest") + 1]) if "--largest" in sys.argv else 6
    print(f"{'input':24} {'options':14} {'bytes':>9} {'instructions':>12} {'CPU s':>7} {'s per M':>8} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in.wasm")
        for name, wasm, count in inputs(largest):
            with open(path, "wb") as f:
                f.write(wasm)
            for options in (["-O3"], ["--egraph", "-O3"]):
                command = [loom, *options, "-q", "-j1", path, "-o", os.path.join(folder, "out.wasm")]
                child = subprocess.Popen(command)
                _, status, used = os.wait4(child.pid, 0)
                if status:
                    sys.exit(f"{' '.join(command)}: {status}")
                print(f"{name:24} {' '.join(options):14} {len(wasm):9} {count:12} {used.ru_utime:7.2f} "
                      f"{used.ru_utime * 1e6 / count:8.2f} {used.ru_maxrss / 1024:6.0f}", flush=True)


if __name__ == "__main__":
    main()
