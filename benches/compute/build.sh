#!/bin/sh
# Builds the ten programs with Debian's clang-14 and lld-14 (`apt-get install clang-14 lld-14`). The .wasm files are committed, so
# this is needed only after a change of a source. Features are those of the fused programs (../shared/fused/build/env.sh).
set -e
cd "$(dirname "$0")"
for c in *.c; do
  clang-14 --target=wasm32 -O3 -mbulk-memory -msign-ext -mnontrapping-fptoint -nostdlib -ffreestanding -Wall -Wno-unused-function \
    -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-debug -Wl,-z,stack-size=16384 "$c" -o "${c%.c}.wasm"
done
wc -c *.wasm
