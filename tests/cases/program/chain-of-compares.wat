;; One slot holds a function of the call's type: its index is compared, and another one traps as it did, whatever its slot holds.
;; FIRES: chain-of-compares
(module
  (type $t (func (param i32) (result i32)))
  (type $u (func (param i64)))
  (memory (export "m") 1)
  (table 6 funcref)
  (elem (i32.const 1) func $x $f $x)
  (func $f (type $t) (i32.store offset=64 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 3))) (i32.store offset=68 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 4))) (i32.store offset=72 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 5))) (i32.store offset=76 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 6))) (i32.store offset=80 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 7))) (i32.store offset=84 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 8))) (i32.store offset=88 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 9))) (i32.store offset=92 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 10))) (i32.store offset=96 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 11))) (i32.store offset=100 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 12))) (i32.store offset=104 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 13))) (i32.store offset=108 (i32.and (local.get 0) (i32.const 252)) (i32.mul (local.get 0) (i32.const 14))) (i32.add (local.get 0) (i32.const 7)))
  (func $x (type $u) (i64.store (i32.const 0) (local.get 0)))
  (func (export "other") (param i64 i32) (call_indirect (type $u) (local.get 0) (local.get 1)))
  (func (export "run") (param $n i32) (param $k i32) (result i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $l
      (local.set $s (call_indirect (type $t) (local.get $s) (local.get $k)))
      (br_if $l (i32.ge_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
)
