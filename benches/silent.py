"""Rules that fire nowhere: python3 benches/silent.py LOOM MODULES… [--bless]

Runs `LOOM rules list --hits MODULES… --silent` at each of LEVELS (two at a time) and compares the rules that fire at none of them with
snapshots/silent-rules.txt, which says of each why it is kept. Exit code 1 where a rule is silent and has no line, or has one and fires.
`--bless` writes the names, and keeps the reasons; a rule without one gets a `?`, which `cargo test --test rules` refuses: write a
reason, or remove the rule. Rows are in the order of the rules. MODULES are files or folders, see docs/experiments.md.
"""
import os, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "snapshots", "silent-rules.txt")
LEVELS = [["-O3"], ["-Oz"], ["-O2"], ["-Oz", "--closed-world", "--keep-export", "*"]]


def silent(loom, modules, level):
    """THEME/NAME of the rules that do not fire, and how many modules there are."""
    command = [loom, "rules", "list", *level, "--silent", "--hits", *modules]
    done = subprocess.run(command, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    rows = re.findall(r"^(\S+) +(\S+) .* 0 +0 of (\d+)$", done.stdout, re.M)
    return [f"{theme}/{name}" for name, theme, _ in rows], rows[0][2] if rows else "?"


def main():
    bless = "--bless" in sys.argv
    args = [a for a in sys.argv[1:] if a != "--bless"]
    if len(args) < 2 or args[0] in ("-h", "--help"):
        sys.exit(__doc__)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda level: silent(args[0], args[1:], level), LEVELS))
    for level, (names, modules) in zip(LEVELS, found):
        print(f"{' '.join(level):44} {len(names)} rules are silent on {modules} modules")
    names = [n for n in found[0][0] if all(n in other for other, _ in found[1:])]
    lines = open(TABLE).read().splitlines() if os.path.exists(TABLE) else []
    head = [l for l in lines if l.startswith("#")]
    known = dict(l.split(None, 1) for l in lines if l and not l.startswith("#"))
    print(f"{'at every level':44} {len(names)} rules are silent")
    if bless:
        with open(TABLE, "w") as out:
            out.write("".join(f"{l}\n" for l in head))
            out.write("".join(f"{n} {known.get(n, '?')}\n" for n in names))
        return
    new, gone = [n for n in names if n not in known], [n for n in known if n not in names]
    for n in new:
        print(f"silent, without a reason: {n}")
    for n in gone:
        print(f"fires: {n}")
    sys.exit(1 if new or gone else 0)


if __name__ == "__main__":
    main()
