;; More constants differ than a body may get parameters.
;; OPTIONS: -Os
;; SILENT: equal-up-to-constants
(module
  (memory 1)
  (func $a (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 1001)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))(i32.store offset=256 (local.get $p) (i32.mul (local.get $n) (i32.const 7))) (i32.store offset=260 (local.get $p) (i32.mul (local.get $n) (i32.const 77))) (i32.store offset=264 (local.get $p) (i32.mul (local.get $n) (i32.const 777))) (i32.store offset=268 (local.get $p) (i32.mul (local.get $n) (i32.const 7777))) (i32.store offset=272 (local.get $p) (i32.mul (local.get $n) (i32.const 77777)))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 5)))
  (func $b (param $p i32) (param $n i32) (result i32)
    (local $i i32) 
    (loop $l
      (i32.store offset=128 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
        (i32.rem_u (i32.load offset=64 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 2003)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))(i32.store offset=256 (local.get $p) (i32.mul (local.get $n) (i32.const 11))) (i32.store offset=260 (local.get $p) (i32.mul (local.get $n) (i32.const 111))) (i32.store offset=264 (local.get $p) (i32.mul (local.get $n) (i32.const 1111))) (i32.store offset=268 (local.get $p) (i32.mul (local.get $n) (i32.const 11111))) (i32.store offset=272 (local.get $p) (i32.mul (local.get $n) (i32.const 111111)))
    (i32.xor (i32.load offset=128 (local.get $p)) (i32.const 6)))
  (func (export "run") (param i32 i32) (result i32)
    (i32.add (call $a (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.add (call $b (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.const 0))))
)
