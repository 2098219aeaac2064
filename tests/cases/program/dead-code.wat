;; What nothing refers to goes, in every index space; what is left is renumbered.
;; FIRES: dead-functions dead-tables dead-memories dead-globals dead-types dead-data-segments dead-element-segments
(module
  (type $unused (func (param f64) (result f64)))
  (memory $dead 1)
  (memory $live (export "memory") 1)
  (table $t 2 funcref)
  (global $g (mut i32) (i32.const 1))
  (global $h (mut i32) (i32.const 2))
  (data (memory $dead) (i32.const 0) "gone")
  (data (memory $live) (i32.const 8) "kept")
  (elem (table $t) (i32.const 0) func $a $b)
  (func $a (type $unused) (call $b (local.get 0)))
  (func $b (type $unused) (call $a (local.get 0)))
  (func $c (result i32) (global.get $h))
  (func (export "run") (param i32) (result i32)
    (global.set $h (i32.add (call $c) (local.get 0)))
    (i32.add (i32.load $live (i32.and (local.get 0) (i32.const 15))) (global.get $h))))
