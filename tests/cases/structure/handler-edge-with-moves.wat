;; NOT-RUN: wasmi has no exceptions
;; Two handler edges bring a payload of which a part is dead; the moves of one of them need a block of their own, and then so
;; does the other one: an edge brings the payload on the stack, or none does.
(module
  (func $g (import "host" "g") (result i32))
  (tag $t (param i32 i64))
  (func (export "run") (result i32)
    (local $x i32) (local $y i32) (local $p i32)
    (local.set $x (i32.const 1))
    (local.set $y (i32.const 2))
    (block $h (result i32 i64)
      (try_table (catch $t $h)
        (local.set $y (local.tee $x (call $g)))
        (drop (call $g)))
      (return (local.get $x)))
    (drop)
    (local.set $p)
    (i32.add (local.get $p) (i32.mul (local.get $x) (i32.add (local.get $y) (local.get $y))))))
