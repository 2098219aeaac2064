;; Calls inside try_table end their block; locals written before a call that may throw meet at the handler.
(module
  (tag $t (param i32 i64))
  (func $g (result i32) (i32.const 1))
  (func $f (result i32)
    (local $x i32) (local $y i64)
    (block $h (result i32 i64)
      (local.set $x (i32.const 1))
      (try_table (catch $t $h)
        (local.set $x (call $g))
        (drop (call $g)))
      (return (local.get $x)))
    (local.set $y)
    (i32.add (local.get $x))))
