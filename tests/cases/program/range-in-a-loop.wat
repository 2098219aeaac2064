;; A parameter that a loop changes keeps its bound only as far as the loop does.
;; FIRES: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $f (param $x i32) (result i32) (local $i i32)
    (local.set $i (local.get $x))
    (loop $again
      (i32.store8 (i32.and (local.get $i) (i32.const 0xff)) (i32.gt_u (local.get $i) (i32.const 255)))
      (local.set $i (i32.add (local.get $i) (i32.const 60)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 600))))
    (i32.gt_u (local.get $x) (i32.const 255)))
  (func (export "a") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 0x7f))))
  (func (export "b") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 0xc0)))))
