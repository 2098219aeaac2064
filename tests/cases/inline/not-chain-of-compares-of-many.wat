;; Four functions whose slots do not follow each other.
;; SILENT: chain-of-compares
(module
  (type $t (func (param i32) (result i32)))
  (memory 1)
  (table 9 funcref)
  (elem (i32.const 1) func $a $b)
  (elem (i32.const 4) func $c $d)
  (func $a (type $t) (i32.add (local.get 0) (i32.const 7)))
  (func $b (type $t) (i32.mul (local.get 0) (i32.const 5)))
  (func $c (type $t) (i32.xor (i32.load (i32.const 0)) (local.get 0)))
  (func $d (type $t) (i32.store (i32.const 0) (local.get 0)) (i32.const 1))
  (func (export "run") (param $n i32) (param $k i32) (result i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $l
      (local.set $s (call_indirect (type $t) (local.get $s) (local.get $k)))
      (br_if $l (i32.ge_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
)
