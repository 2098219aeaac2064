;; A record is stored in one memory, copied to the other one and loaded there in other widths.
;; FUSED: on
;; FIRES: forwarded-loads dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i64.store $b (i32.const 1024) (i64.extend_i32_s (local.get $x)))
    (i32.store $b (i32.const 1032) (local.get $y))
    (memory.copy $a $b (local.get $f) (i32.const 1024) (i32.const 12))
    (local.set $r (i32.xor (i32.load16_s $a offset=2 (local.get $f))
      (i32.add (i32.load8_s $a offset=5 (local.get $f)) (i32.load $a offset=8 (local.get $f)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
