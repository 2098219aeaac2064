;; The global changes between its two readings.
(module
  (global $g (export "g") (mut i32) (i32.const 1))
  (func (export "bump") (param i32) (result i32)
    (i32.sub
      (global.get $g)
      (block (result i32)
        (global.set $g (i32.add (global.get $g) (local.get 0)))
        (global.get $g))))
  (func $sets (param i32) (global.set $g (local.get 0)))
  (func (export "by_a_call") (param i32) (result i32)
    (i32.sub (global.get $g) (block (result i32) (call $sets (local.get 0)) (global.get $g)))))
