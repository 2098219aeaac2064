#!/bin/bash
# get.sh DIR: modules of producers that ../shared/corpus/get.sh does not have, each into DIR: other languages (AssemblyScript, Zig), SIMD and float
# code, debug builds, and code that no compiler has optimized (clang -O0, asc -O0), in which rules meet what LLVM has done before elsewhere.
# Needs npm, and `apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32`. Used by benches/silent.py.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
FUSED=${LOOM_SHARED:-$HERE/../../../shared}/fused
mkdir -p "$1/tools"
D=$(cd "$1" && pwd)
cd "$D/tools"
[ -f package.json ] || npm init -y >/dev/null 2>&1
npm i --silent --ignore-scripts @jitl/quickjs-wasmfile-debug-sync@0.32.0 @jsquash/webp@1.5.0 @jitsi/rnnoise-wasm@0.2.1 @itk-wasm/htj2k@2.1.0 \
  box2d-wasm@7.0.0 @fluffylabs/anan-as@1.2.0 md4w@0.2.7 @tensorflow/tfjs-backend-wasm@4.22.0 rabin-wasm@0.1.5 jolt-physics@1.1.0 \
  @cornerstonejs/codec-openjph@2.4.11 assemblyscript@0.28.20 as-bignum@0.3.1
for f in @jitl/quickjs-wasmfile-debug-sync/dist/emscripten-module @jsquash/webp/codec/enc/webp_enc_simd @jsquash/webp/codec/dec/webp_dec \
  @jitsi/rnnoise-wasm/dist/rnnoise @itk-wasm/htj2k/dist/pipelines/decode box2d-wasm/dist/es/Box2D.simd @fluffylabs/anan-as/dist/build/debug \
  @fluffylabs/anan-as/dist/build/release md4w/js/md4w-fast @tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd \
  @tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm rabin-wasm/dist/rabin jolt-physics/dist/jolt-physics.wasm \
  @cornerstonejs/codec-openjph/dist/openjphjs; do
  cp "node_modules/$f.wasm" "$D/$(tr '/@' '__' <<<"$f").wasm"
done
# The standard library of AssemblyScript, and numbers of 128 and 256 bits.
cp "$HERE/library.ts" .
for o in 0 3; do
  node node_modules/assemblyscript/bin/asc.js library.ts -O$o --enable simd --exportRuntime -o "$D/assemblyscript-O$o.wasm"
done
# The programs of the fused corpus as C, linked statically, and all of a libc.
RT=$(dpkg -L libclang-rt-14-dev-wasm32 | grep 'builtins-wasm32.a$' | head -1)
SYS=/usr/lib/wasm32-wasi
mkdir -p obj
for w in async config records resources results scalar stream strings; do
  objects=()
  for c in "$FUSED/$w/src/lib.c" "$FUSED/$w/src/rowfree.c" "$FUSED/$w/src/app.c" "$FUSED/common/static_main.c" "$FUSED/common/nowasi.c"; do
    [ -f "$c" ] || continue
    o=obj/$w-$(basename "$c").o
    clang --target=wasm32-wasi -O0 -w -mbulk-memory -msign-ext -mnontrapping-fptoint -I"$FUSED/$w/src" -I"$FUSED/common" -c "$c" -o "$o"
    objects+=("$o")
  done
  wasm-ld --no-entry --entry _initialize --gc-sections --stack-first -z stack-size=65536 $SYS/crt1-reactor.o "${objects[@]}" -L$SYS -lm -lc "$RT" \
    -o "$D/$w-O0.wasm"
done
wasm-ld --no-entry --export-all --allow-undefined --whole-archive $SYS/libc.a $SYS/libm.a "$RT" -o "$D/libc.wasm"
ls "$D"/*.wasm | wc -l
