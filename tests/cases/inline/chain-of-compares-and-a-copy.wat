;; A small one is put in place of its call.
;; FIRES: chain-of-compares inlined-calls
(module
  (type $t (func (param i32) (result i32)))
  (type $u (func (param i64)))
  (memory (export "m") 1)
  (table 6 funcref)
  (elem (i32.const 1) func $x $f $x)
  (func $f (type $t) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 7)))
  (func $x (type $u) (i64.store (i32.const 0) (local.get 0)))
  (func (export "other") (param i64 i32) (call_indirect (type $u) (local.get 0) (local.get 1)))
  (func (export "run") (param $n i32) (param $k i32) (result i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $l
      (local.set $s (call_indirect (type $t) (local.get $s) (local.get $k)))
      (br_if $l (i32.ge_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
)
