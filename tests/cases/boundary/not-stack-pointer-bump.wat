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
    (i32.sub (global.get $sp) (local.get $f)))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
