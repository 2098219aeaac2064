;; A table of tags; the ways bring constants, one of them beyond the table.
;; FUSED: on
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (block $o (block $two (block $one (br_table $one $two $o (local.get $x)))
      (i32.store8 $a (local.get $f) (i32.const 1)) (br $o))
      (i32.store8 $a (local.get $f) (i32.const 200)) (i32.store $a offset=4 (local.get $f) (local.get $y)) (br $o))
    (if (i32.gt_u (local.get $x) (i32.const 1)) (then (i32.store8 $a (local.get $f) (i32.const 0))))
    (block $e (block $d (block $c (br_table $c $d $e (i32.load8_u $a (local.get $f))))
      (local.set $r (i32.const 10)) (br $e))
      (local.set $r (i32.const 20)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
