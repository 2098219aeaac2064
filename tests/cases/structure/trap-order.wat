;; Of two traps the first one is seen, and effects before it.
(module
  (memory (export "m") 1)
  (global $g (export "g") (mut i32) (i32.const 0))
  (func (export "f") (param i32 i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (drop (i32.load (local.get 0)))
    (drop (i32.div_s (i32.const 1) (local.get 1)))
    (global.set $g (i32.add (global.get $g) (i32.const 100)))
    (drop (i32.trunc_f32_s (f32.convert_i32_s (local.get 0))))
    (unreachable)))
