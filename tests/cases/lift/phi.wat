;; A parameter where values of a local meet, none where they are the same or nobody reads it afterwards.
(module
  (func $needed (param $c i32) (result i32)
    (local $x i32)
    (if (local.get $c) (then (local.set $x (i32.const 5))) (else (local.set $x (i32.const 7))))
    (local.get $x))
  (func $same (param $c i32) (param $y i32) (result i32)
    (local $x i32)
    (if (local.get $c) (then (local.set $x (local.get $y))) (else (local.set $x (local.get $y))))
    (local.get $x))
  (func $dead (param $c i32) (result i32)
    (local $x i32)
    (if (local.get $c) (then (local.set $x (i32.const 5))))
    (local.get $c)))
