;; In an open world the callee that returns the address stays.
;; OPTIONS: -O2
;; FUSED: on
;; SILENT: return-area-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func $callee (param $x i32) (param $y i32) (result i32)
    (i32.store $b (i32.const 2000) (i32.add (local.get $x) (local.get $y)))
    (i32.store $b (i32.const 2004) (i32.mul (local.get $x) (i32.const 3)))
    (i32.const 2000))
  (func $adapter (param $x i32) (param $y i32) (param $ret i32) (local $r i32)
    (local.set $r (call $callee (local.get $x) (local.get $y)))
    (i32.store $a (local.get $ret) (i32.load $b (local.get $r)))
    (i32.store $a offset=4 (local.get $ret) (i32.load $b offset=4 (local.get $r))))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (global.set $sp (local.tee $f (i32.sub (global.get $sp) (i32.const 16))))
    (call $adapter (local.get $x) (local.get $y) (local.get $f))
    (local.set $r (i32.xor (i32.load $a (local.get $f)) (i32.load $a offset=4 (local.get $f))))
    (global.set $sp (i32.add (local.get $f) (i32.const 16)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32) (result i32)
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 1))
    (i32.load $a (local.get 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
