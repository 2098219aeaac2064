;; An import may come back in and look at the pointer: it keeps its value there.
;; FUSED: on
;; SILENT: stack-pointer-writes
(module
  (import "env" "host" (func $host))
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (call $host)
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  (func (export "again") (param $x i32) (local $f i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 16))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (call $host)
    (global.set $sp (i32.add (local.get $f) (i32.const 16)))))
