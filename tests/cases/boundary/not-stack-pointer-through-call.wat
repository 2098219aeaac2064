;; The function gives something else on one way: the global may be anything then.
;; FUSED: on
;; SILENT: stack-pointer-reads stack-pointer-writes
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func $clear (param $p i32) (param $n i32) (result i32) (local $i i32)
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $n)) (then
        (i32.store8 $a (i32.add (local.get $p) (local.get $i)) (i32.mul (local.get $i) (local.get $n)))
        (if (i32.eq (i32.and (local.get $i) (i32.const 7)) (i32.const 6)) (then (i32.store8 $a (local.get $p) (local.get $n))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (if (i32.eq (local.get $n) (i32.const 3)) (then (return (i32.const 66000))))
    (local.get $p))
  (func $f (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a offset=16 (local.get $f) (local.get $x))
    (local.set $f (call $clear (local.get $f) (i32.and (local.get $y) (i32.const 15))))
    (local.set $r (i32.add (i32.load $a offset=16 (local.get $f)) (i32.load8_u $a (local.get $f))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (i32.add (local.get $r) (global.get $sp)))
  (func (export "h") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 16))) (global.set $sp (local.get $f))
    (local.set $r (call $f (local.get $x) (local.get $y)))
    (local.set $r (i32.add (local.get $r) (i32.sub (global.get $sp) (local.get $f))))
    (global.set $sp (i32.add (local.get $f) (i32.const 16)))
    (local.get $r))
  (func (export "g") (param $n i32) (result i32)
    (call $clear (i32.const 4096) (i32.and (local.get $n) (i32.const 31)))))
