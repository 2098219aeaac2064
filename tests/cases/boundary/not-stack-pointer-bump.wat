;; A global that is lowered and stays so is no stack pointer.
;; FUSED: on
;; SILENT: stack-pointer-reads stack-pointer-writes forwarded-loads dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 4))) (global.set $sp (local.get $f))
    (i32.store $a (i32.and (local.get $f) (i32.const 0xffc)) (local.get $x))
    (i32.sub (global.get $sp) (local.get $f))))
