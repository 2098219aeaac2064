#!/usr/bin/env bash
# Mutation check of the oracle: puts each deliberate bug of this folder into a copy of the tree, builds the fuzzer and runs
# it until it finds something. Prints a line for each bug and writes the table of all results to docs/mutations.md.
#
#     bash tests/mutations/run.sh             all bugs, about an hour; the unchanged tree first, which must be clean
#     bash tests/mutations/run.sh NAME…       those whose file name contains one of the names
#     bash tests/mutations/run.sh --table     only the table, from the results that are there
#
# Cases are those of `--source mixed`; for bugs that only touch rules those of `--source rules`, and of these the ones made from
# the rule that the patch names: of the 1,800 instances of rules one comes up once in 9,000 cases of `mixed`. A bug in a checker changes
# no behaviour: such a patch names tests of the library in its second line (`Test: replay::`), of which one has to fail.
#
# CAP (20000) cases and MINUTES (30) at most for each bug, on JOBS (1) threads, from seed START (7000000) on; CARGO_FLAGS
# (for example -j1) go to cargo; FUZZ is a fuzzer of the unchanged tree for wrong rules, WORK another place to work in. The copy
# and its target folder stay in target/mutations, so that a bug costs one build of the library. Fails if a patch does not
# apply, if a build fails, or if a bug is not found.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
here=$root/tests/mutations
work=${WORK:-$root/target/mutations}
results=$root/target/mutations/results
tree=$work/tree
cap=${CAP:-20000}
start=${START:-7000000}
mkdir -p "$tree" "$results" "$work/out"
# Patches must apply to the copy, not to the repository that it lies in.
export GIT_CEILING_DIRECTORIES=$work

# Copies what differs. Times are new, so that cargo sees what changed.
sync() {
  (cd "$tree" && find . -type f) | sed 's|^\./||' | sort >"$work/have"
  git -C "$root" ls-files --cached --others --exclude-standard -- \
    Cargo.toml Cargo.lock build.rs src rules snapshots/rules.ledger benches tests | sort -u >"$work/want"
  comm -23 "$work/have" "$work/want" | while IFS= read -r f; do rm -f "$tree/$f"; done
  while IFS= read -r f; do
    [ -f "$root/$f" ] || continue
    cmp -s "$root/$f" "$tree/$f" || { mkdir -p "$(dirname "$tree/$f")"; cp "$root/$f" "$tree/$f"; }
  done <"$work/want"
}

build() {
  # shellcheck disable=SC2086
  (cd "$tree" && cargo build --quiet --locked --profile mutation -p loom-fuzz --target-dir "$work/target" \
    ${CARGO_FLAGS:-}) >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; return 1; }
}

# The fuzzer of the unchanged tree, which runs wrong rules without being built anew.
unchanged() {
  if [ -z "${FUZZ:-}" ]; then
    build
    cp "$work/target/mutation/loom-fuzz" "$work/unchanged"
    FUZZ=$work/unchanged
  fi
}

# Runs a fuzzer until it finds something: sets kind, from, cases, seen. On a loaded machine this slow build is slow now and
# then; that is no finding.
hunt() {
  local log=$1 at=$start left=$cap line seed
  shift
  cases=0
  while :; do
    "$@" --start "$at" --count "$left" --jobs "${JOBS:-1}" --minutes "${MINUTES:-30}" --until-bug --no-reduce \
      --out "${log%.log}" >"$log" 2>&1 || true
    # caught: KIND by GENERATOR after N cases, seed SEED
    line=$(grep -m1 '^caught: ' "$log" || true)
    if [ -z "$line" ]; then
      from=- seen=-
      # … N cases, … next seed SEED
      seed=$(sed -n 's/.*; next seed \([0-9]*\)$/\1/p' "$log" | tail -1)
      if [ -n "$seed" ]; then
        kind=none cases=$((seed - start))
        [ "$cases" -ge "$cap" ] || kind=unfinished
      else
        kind=crash seen="the fuzzer died"
      fi
      return
    fi
    read -r _ kind _ from _ line <<<"$line"
    seed=${line##*seed }
    cases=$((seed - start + 1)) left=$((start + cap - seed - 1)) at=$((seed + 1))
    seen=$(sed -n "s/^    $kind: //p" "$log" | head -1 | tr '\t' ' ' | cut -c1-160)
    [ "$kind" = slow ] && [ "$left" -gt 0 ] || return 0
  done
}

# Runs the tests that a patch names, which must build: sets the same. What fails is what was to be seen.
try_tests() {
  local log=$1
  from=- cases=- seen=-
  # shellcheck disable=SC2086
  if ! (cd "$tree" && cargo test --quiet --locked --profile mutation --lib --no-run --target-dir "$work/target" \
    ${CARGO_FLAGS:-}) >"$work/build.log" 2>&1; then
    cat "$work/build.log" >&2
    return 1
  fi
  # shellcheck disable=SC2086
  if (cd "$tree" && cargo test --quiet --locked --profile mutation --lib --target-dir "$work/target" ${CARGO_FLAGS:-} \
    -- "$2") >"$log" 2>&1; then
    kind=none
    return
  fi
  kind=test seen=$(sed -n 's/^---- \(.*\) stdout ----$/\1/p' "$log" | head -1)
  [ -n "$seen" ] || kind=crash seen="no test failed, and the run did"
}

# One bug: name. Leaves a line in results: name, class, kind, generator, cases, seconds, what was seen.
run_one() {
  local name=$1 patch=$here/$1.patch began kind=none from cases seen status=0 tests
  if ! git -C "$tree" apply --whitespace=nowarn "$patch"; then
    echo "$name: the patch no longer applies" >&2
    return 1
  fi
  began=$(date +%s)
  tests=$(sed -n 's/^Test: //p;2q' "$patch")
  if [ -n "$tests" ]; then
    try_tests "$work/out/$name.log" "$tests" || status=1
  elif grep -q '^+++ b/' "$patch" && ! grep '^+++ b/' "$patch" | grep -qv '^+++ b/rules/'; then
    hunt "$work/out/$name.log" "$FUZZ" --rules "$tree/rules" --source rules --rule "$(sed -n 's/^Rule: //p;2q' "$patch")"
  elif build; then
    began=$(date +%s)
    hunt "$work/out/$name.log" "$work/target/mutation/loom-fuzz"
  else
    status=1
  fi
  git -C "$tree" apply --whitespace=nowarn -R "$patch"
  [ $status = 0 ] || return 1
  began=$(($(date +%s) - began))
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$(sed -n 's/^Class: //p;1q' "$patch")" "$kind" "$from" "$cases" \
    "$began" "$seen" >"$results/$name.tsv"
  printf '%-42s %-9s %-7s %6s cases %4s s\n' "$name" "$kind" "$from" "$cases" "$began"
  [ "$kind" != none ] && [ "$kind" != unfinished ]
}

table() {
  local name total=0 caught=0 compared=0
  local rows=""
  for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    total=$((total + 1))
    if [ ! -f "$results/$name.tsv" ]; then
      rows+="| \`$name\` | | not run | | | |"$'\n'
      continue
    fi
    local class kind from cases seconds seen bug by
    IFS=$'\t' read -r _ class kind from cases seconds seen <"$results/$name.tsv"
    bug=$(sed -n '/^Bug: /,/^$/p' "$patch" | tr '\n' ' ' | sed 's/^Bug: //; s/ *$//; s/|/\\|/g')
    case $kind in
      mismatch) by="comparison" compared=$((compared + 1)) ;;
      test) by="test \`$seen\`" ;;
      refused)
        case $seen in
          *"stack code refused"* | lower-*) by="stack-code checker" ;;
          *"extracted graph refused"* | extract-*) by="extraction checker" ;;
          *"graph refused"*) by="graph verifier" ;;
          *"invalid output"*) by="validation of the output" ;;
          *panic*) by="panic, caught" ;;
          *) by="refused: $seen" ;;
        esac
        ;;
      none) by="**not caught**" ;;
      unfinished) by="time was up" ;;
      *) by=$kind ;;
    esac
    case $kind in none | unfinished) ;; *) caught=$((caught + 1)) ;; esac
    rows+="| $class | \`${name}\`: $bug | $by | $from | $cases | $seconds |"$'\n'
  done
  {
    sed '/^<!-- results -->$/q' "$root/docs/mutations.md"
    echo
    echo "$caught of $total caught, $compared of them by the comparison of behaviour ($(date -u +%Y-%m-%d))."
    echo
    echo "| class | deliberate bug | caught by | generator | cases | s |"
    echo "|---|---|---|---|---:|---:|"
    printf '%s' "$rows"
  } >"$work/table.md"
  cp "$work/table.md" "$root/docs/mutations.md"
  echo "$caught of $total caught, $compared by comparison; table in docs/mutations.md"
}

# A function, so that the whole script is read before it runs for an hour.
main() {
  if [ "${1:-}" = --table ]; then
    table
    return
  fi
  sync
  unchanged
  failed=0
  if [ $# = 0 ]; then
    echo "unchanged tree:"
    "$FUZZ" --start "$start" --count 2000 --jobs 2 --until-bug --no-reduce --out "$work/out/unchanged" | tail -1 ||
      { echo "the unchanged tree is not clean" >&2; exit 1; }
  fi
  for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    chosen=$([ $# = 0 ] && echo yes || echo no)
    for wanted in "$@"; do
      case $name in *"$wanted"*) chosen=yes ;; esac
    done
    [ $chosen = no ] || run_one "$name" || failed=$((failed + 1))
  done
  table
  [ $failed = 0 ] || { echo "$failed failed" >&2; exit 1; }
}

main "$@"
