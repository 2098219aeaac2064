"""How often functions keep their old bodies: python3 benches/old_bodies.py LOOM [OPTIONS...] -- FILE.wasm...

Sums over the files, from `--report`: functions, those kept as bytes or reverted by reason, and the limits reached.
"""
import collections, json, os, subprocess, sys, tempfile

split = sys.argv.index("--")
command, files = sys.argv[1:split], sys.argv[split + 1:]
total = kept = 0
reasons, limits = collections.Counter(), collections.Counter()
for path in files:
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        subprocess.run(command + ["-q", "--report", report, path, "-o", os.path.join(folder, "out.wasm")], check=True)
        data = json.load(open(report))
    total += data["functions"]["total"]
    kept += data["functions"]["raw"] + data["functions"]["reverted"]
    reasons.update(data["functions"]["reasons"])
    limits.update(data["limits"])
print(f"{total} functions, {kept} keep their old bodies ({100 * kept / total:.2f} %)")
for name, table in (("reason", reasons), ("limit", limits)):
    for key, count in table.most_common():
        print(f"{name:7} {count:7} {key}")
