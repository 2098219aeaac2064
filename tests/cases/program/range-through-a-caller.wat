;; The bound comes through a parameter of the caller, and around a recursion.
;; FIRES: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $outer (param $x i32) (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (call $inner (local.get $x) (i32.const 2)))))
    (i32.add (call $outer (local.get $x) (i32.shr_u (local.get $n) (i32.const 1))) (i32.load (i32.const 4))))
  (func $inner (param $x i32) (param $n i32) (result i32)
    (i32.store (i32.and (local.get $x) (i32.const 0xffff)) (local.get $n))
    (i32.add (i32.ge_u (local.get $x) (i32.const 0x10000)) (i32.load (i32.const 8))))
  (func (export "run") (param i32 i32) (result i32)
    (call $outer (i32.and (local.get 0) (i32.const 0xfff)) (i32.and (local.get 1) (i32.const 0xff)))))
