;; Small functions in slots that follow each other: a switch, also with the index before the first and behind the last.
;; FIRES: chain-of-compares inlined-calls
(module
  (type $t (func (param i32) (result i32)))
  (memory 1)
  (table 9 funcref)
  (elem (i32.const 2) func $a $b $c $d)
  (func $a (type $t) (i32.add (local.get 0) (i32.const 7)))
  (func $b (type $t) (i32.mul (local.get 0) (i32.const 5)))
  (func $c (type $t) (i32.xor (i32.load (i32.const 0)) (local.get 0)))
  (func $d (type $t) (i32.store (i32.const 0) (local.get 0)) (i32.const 1))
  (func (export "run") (param $n i32) (param $k i32) (result i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $l
      (local.set $s (call_indirect (type $t) (local.get $s) (i32.and (i32.add (local.get $k) (local.get $n)) (i32.const 7))))
      (br_if $l (i32.ge_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
)
