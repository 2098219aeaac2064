;; Somebody may hold a reference to one of each pair, or their types differ. Memories, globals and tags are not looked at.
;; OPTIONS: --closed-world --keep-export=*
;; SILENT: equal-imports
;; NOT-RUN: wasmi has no tags
;; RULES: -
(module
  (import "env" "log" (func $a (param i32)))
  (import "env" "log" (func $b (param i32)))
  (import "env" "get" (func $c (result i32)))
  (import "env" "get" (func $d (result i64)))
  (import "env" "put" (func $e (param i64)))
  (import "env" "put" (func $f (param i64)))
  (import "env" "tag" (tag $t))
  (import "env" "tag" (tag $u))
  (import "env" "memory" (memory $m 1))
  (import "env" "memory" (memory $n 1))
  (import "env" "global" (global $g i32))
  (import "env" "global" (global $h i32))
  (export "log" (func $b))
  (elem declare func $f)
  (func (export "a") (param i32) (result funcref)
    (call $a (local.get 0)) (call $b (i32.const 7)) (drop (call $c)) (drop (call $d))
    (call $e (i64.const 1)) (call $f (i64.const 2))
    (i32.store $m (local.get 0) (global.get $g)) (i32.store $n (local.get 0) (global.get $h))
    (ref.func $f))
  (func (export "b") (throw $t))
  (func (export "c") (throw $u)))
