;; In a closed world the same names are the same function.
;; OPTIONS: --closed-world --keep-export=a
;; FIRES: equal-imports
;; NOT-RUN: the oracle of cases supplies each name once
;; RULES: -
(module
  (import "env" "log" (func $a (param i32)))
  (import "env" "log" (func $b (param i32)))
  (import "env" "other" (func $c (param i32)))
  (func (export "a") (param i32) (call $a (local.get 0)) (call $b (i32.const 7)) (call $c (i32.const 8))))
