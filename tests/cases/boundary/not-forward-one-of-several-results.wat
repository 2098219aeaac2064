;; A pointer from a call with several results or the frame.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) (local $n i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (call $two (local.get $x)) (drop) (local.set $n)
    (i32.store $a (i32.const 8) (local.get $y))
    (i32.store $a (local.get $f) (local.get $y))
    (if (local.get $x) (then (local.set $n (local.get $f))))
    (i32.store $a (local.get $n) (i32.const 5))
    (local.set $r (i32.load $a (i32.const 8)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  (func $two (export "two") (param i32) (result i32 i32)
    (if (i32.eqz (global.get $n)) (then (return (call $two (local.get 0))))) (i32.const 8) (local.get 0))
  (global $n i32 (i32.const 1)))
