;; The frame was passed to an import, which hands it to an export that writes it.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (import "env" "host" (func $host (param i32)))
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (call $host (local.get $f))
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  (func (export "poke") (param i32) (i32.store $a (i32.and (local.get 0) (i32.const 0xff8)) (i32.const 9))))
