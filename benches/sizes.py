"""Code section sizes: python3 benches/sizes.py LOOM [OPTIONS...] -- FILE.wasm...

Runs `LOOM OPTIONS FILE` on each file and prints the bytes of the code section before and after (from `--report`), the
user CPU seconds, and how many functions kept their old bodies; at the end the geometric mean of the ratios. The modules that
README.md names are installed by `bash ../shared/corpus/get.sh DIR` (npm packages at fixed versions).
"""
import json, math, os, resource, subprocess, sys, tempfile


def main():
    split = sys.argv.index("--")
    command, files = sys.argv[1:split], sys.argv[split + 1:]
    logs = []
    for path in files:
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.json")
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run(command + ["-q", "--report", report, path, "-o", os.path.join(folder, "out.wasm")], check=True)
            seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            data = json.load(open(report))
        code, functions = data["code_bytes"], data["functions"]
        ratio = code["after"] / code["before"]
        logs.append(math.log(ratio))
        print(f"{os.path.basename(path)[:44]:44} {code['before']:9} {code['after']:9} {ratio:.4f} {seconds:6.2f} s"
              f"  {functions['total']} functions, {functions['raw']} raw, {functions['reverted']} reverted")
    print(f"geometric mean {math.exp(sum(logs) / len(logs)):.4f}")


main()
