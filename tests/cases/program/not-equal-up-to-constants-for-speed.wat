;; For speed every function keeps its constants.
;; OPTIONS: -O2
;; SILENT: equal-up-to-constants
(module
  (memory 1)
  (func $a (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 1001)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 5)))
  (func $b (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 2003)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 6)))
  (func (export "run") (param i32 i32) (result i32)
    (i32.add (call $a (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.add (call $b (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.const 0))))
)
