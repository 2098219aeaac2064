(module
  (memory 1)
  (func $f (param $a i32) (param $b i32) (result i32)
    (local $c i32)
    (local.set $c (i32.add (local.get $a) (local.get $b)))
    (i32.store offset=4 (local.get $a) (local.get $c))
    (i32.sub (local.get $c) (i32.load (local.get $b)))))
