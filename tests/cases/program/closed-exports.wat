;; Only the exports that are kept are roots.
;; OPTIONS: --closed-world --keep-export=run --keep-export=*[dtor]*
;; FIRES: closed-exports dead-functions dead-memories dead-tables
(module
  (memory (export "memory") 1)
  (table (export "$imports") 1 funcref)
  (elem (i32.const 0) func $shim)
  (func $shim (export "0") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "run") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func (export "a:b/c#[dtor]d") (param i32)))
