;; An export that declared a function for ref.func goes: a declared segment takes its place.
;; NOT-RUN: without that export the input is not valid
;; OPTIONS: --closed-world --keep-export=run
;; FIRES: closed-exports
(module
  (type $f (func (result i32)))
  (table 1 funcref)
  (func $a (export "a") (type $f) (i32.const 5))
  (func (export "run") (param i32) (result i32)
    (table.set (i32.const 0) (ref.func $a))
    (call_indirect (type $f) (local.get 0))))
