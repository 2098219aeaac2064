;; The way of a return area after inlining: a frame below the stack pointer, written and read through it and through the
;; sum that was passed on.
(module
  (memory (export "caller") 1)
  (memory (export "callee") 1)
  (global $sp (mut i32) (i32.const 4096))
  (func (export "f") (param i32 i32) (result i32)
    (local $frame i32) (local $area i32) (local $r i32)
    (local.set $frame (i32.sub (global.get $sp) (i32.const 32)))
    (global.set $sp (local.get $frame))
    (local.set $area (i32.add (local.get $frame) (i32.const 8)))
    (i32.store 1 (i32.const 1024) (local.get 0))
    (i32.store 1 (i32.const 1028) (local.get 1))
    (memory.copy 0 1 (local.get $area) (i32.const 1024) (i32.const 8))
    (local.set $r (i32.add (i32.load 0 offset=8 (local.get $frame)) (i32.load 0 offset=12 (local.get $frame))))
    (global.set $sp (i32.add (local.get $frame) (i32.const 32)))
    (local.get $r)))
