;; In an open world a host may supply imports by position.
;; SILENT: equal-imports
;; NOT-RUN: the oracle of cases supplies each name once
;; RULES: -
(module
  (import "env" "log" (func $a (param i32)))
  (import "env" "log" (func $b (param i32)))
  (func (export "a") (param i32) (call $a (local.get 0)) (call $b (i32.const 7))))
