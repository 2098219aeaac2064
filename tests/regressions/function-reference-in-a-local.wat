;; The value of ref.func has a type that only the proposal of typed function references can write down. Kept in a local of its
;; own (here by --chaos; or because it is used twice) it made an output that engines without that proposal refuse.
(module
  (memory (export "m") 1)
  (table $t (export "t") 4 funcref)
  (elem declare func $f $g)
  (func $f (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $g (export "g") (param $n i32) (local $r funcref)
    (local.set $r (ref.func $f))
    (if (local.get $n) (then (local.set $r (ref.func $g))))
    (table.set $t (i32.and (local.get $n) (i32.const 3)) (local.get $r))
    (table.set $t (i32.and (i32.add (local.get $n) (i32.const 1)) (i32.const 3)) (local.get $r))
    (i32.store (i32.const 0) (ref.is_null (local.get $r)))))
