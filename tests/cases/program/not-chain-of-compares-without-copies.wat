;; Where nothing is inlined, several functions are not told apart.
;; SILENT: chain-of-compares
(module
  (type $t (func (param i32) (result i32)))
  (memory 1)
  (table 6 funcref)
  (elem (i32.const 1) func $f)
  (elem (i32.const 4) func $g)
  (func $f (type $t) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 7)))
  (func $g (type $t) (i32.div_u (i32.const 1000) (local.get 0)))
  (func (export "run") (param $n i32) (param $k i32) (result i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $l
      (local.set $s (call_indirect (type $t) (i32.add (call_indirect (type $t) (local.get $s) (local.get $k)) (i32.const 1)) (i32.xor (local.get $k) (i32.const 5))))
      (br_if $l (i32.ge_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
)
