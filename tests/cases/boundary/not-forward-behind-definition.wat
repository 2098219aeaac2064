;; The address of the load is computed behind the store.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $b (i32.const 64) (i32.const 128))
    (i32.store $b (local.get $x) (local.get $y))
    (local.set $r (i32.load $b (i32.and (call $id (local.get $x)) (i32.const 0xff0))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  (func $id (export "id") (param i32) (result i32) (loop $l (br_if $l (i32.eqz (global.get $n)))) (i32.add (local.get 0) (i32.const 1)))
  (global $n i32 (i32.const 1)))
