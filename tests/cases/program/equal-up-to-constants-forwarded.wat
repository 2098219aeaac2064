;; Exported functions and slots of a table keep a function of their own, which passes the constants on.
;; OPTIONS: -Os
;; FIRES: equal-up-to-constants
(module
  (type $t (func (param i32 i32) (result i32)))
  (memory 1)
  (table (export "table") 1 funcref)
  (elem (i32.const 0) func $c)
  (func $a (export "a") (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 1001)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 5)))
  (func $b (export "b") (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 2003)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 6)))
  (func $c (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 1001)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 7)))
  (func (export "run") (type $t) (call_indirect (type $t) (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15)) (i32.const 0))))
