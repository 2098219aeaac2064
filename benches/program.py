"""What the whole-program passes cost over the number of functions: python3 benches/program.py LOOM [--egraph]

Writes modules of 1,000, 10,000 and 100,000 functions that call each other (chains of only callers, shared small functions, a table, a
parameter nobody needs, constants passed on, every fifth equal to another one), closes them, and prints the CPU seconds of
the phase `program` on one thread, those for 10 MB of input, all user CPU seconds and the peak memory. What grows linearly has
the same seconds for 10 MB in every row.
"""
import json, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from curve import sleb, uleb


def section(number, content):
    return bytes([number]) + uleb(len(content)) + content


def get(n):
    return b"\x20" + uleb(n)


def const(n):
    return b"\x41" + sleb(n)


def body(n, count):
    """(i32 a, i32 b, i32 unused) -> i32: arithmetic on memory, two calls further up, now and then one through the table."""
    code = get(0) + const((n // 5 if n % 5 == 0 else n) * 2654435761 % 2**31) + b"\x73" + get(1) + b"\x6c"
    code += get(0) + const(65535) + b"\x71" + b"\x28\x02" + uleb(n % 64 * 4) + b"\x6a"
    for step in (1, 2 + n % 7 * 3):
        if n + step < count:
            code += get(0) + const(1) + b"\x76" + get(1) + get(2) + b"\x10" + uleb(n + step) + b"\x6a"
    if n % 50 == 0 and n + 60 < count:
        code += get(0) + const(7) + const(3) + const(n // 50 % 16) + b"\x11\x00\x00" + b"\x6a"
    return b"\x00" + code + b"\x0b"


def module(count):
    types = b"\x02\x60\x03\x7f\x7f\x7f\x01\x7f\x60\x01\x7f\x01\x7f"
    run = b"\x00" + get(0) + const(5) + const(9) + b"\x10\x00\x0b"
    bodies = [body(n, count) for n in range(count)] + [run]
    code = uleb(count + 1) + b"".join(uleb(len(b)) + b for b in bodies)
    funcs = uleb(count + 1) + b"\x00" * count + b"\x01"
    slots = b"".join(uleb(count - 17 + n) for n in range(16))
    return b"\0asm\1\0\0\0" + section(1, types) + section(3, funcs) + section(4, b"\x01\x70\x00\x10") + section(
        5, b"\x01\x00\x02") + section(7, b"\x01\x03run\x00" + uleb(count)) + section(
        9, b"\x01\x00\x41\x00\x0b\x10" + slots) + section(10, code)


def main():
    loom, options = sys.argv[1], sys.argv[2:]
    print(f"{'functions':>10} {'bytes':>10} {'program s':>10} {'for 10 MB':>10} {'all CPU s':>10} {'peak MB':>8}  passes")
    with tempfile.TemporaryDirectory() as folder:
        source, out, report = (os.path.join(folder, name) for name in ("in.wasm", "out.wasm", "report.json"))
        for count in (1000, 10000, 100000):
            with open(source, "wb") as f:
                f.write(module(count))
            size = os.path.getsize(source)
            run = [loom, "-q", "-O3", "--closed-world", "--keep-export", "run", "-j1", source, "-o", out, "--report", report]
            done = subprocess.run(["/usr/bin/time", "-f", "%U %M", *run, *options], stderr=subprocess.PIPE, text=True, check=True)
            user, peak = done.stderr.split()[-2:]
            data = json.load(open(report))
            seconds = sum(p["seconds"] for p in data["phases"] if p["name"] == "program")
            print(f"{count:>10} {size:>10} {seconds:>10.3f} {seconds / size * 1e7:>10.2f} {float(user):>10.1f} {int(peak) / 1000:>8.0f}"
                  f"  {data['passes']}")


if __name__ == "__main__":
    main()
