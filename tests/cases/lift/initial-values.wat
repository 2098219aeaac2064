;; Locals read before they are written are zero, once for each local, of each type.
(module
  (func $f (param i32) (result i32 i64 f32 f64 funcref)
    (local i32 i64 f32 f64 funcref)
    (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5))
  (func $one_way (param $c i32) (result i32)
    (local $x i32)
    (if (local.get $c) (then (local.set $x (i32.const 5))))
    (local.get $x)))
