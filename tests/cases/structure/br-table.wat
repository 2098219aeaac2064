;; A switch with fall through, targets used twice, and values on the branches.
;; RULES: -
(module
  (func (export "switch") (param i32) (result i32)
    (local $r i32)
    (block $default
      (block $two
        (block $one
          (block $zero
            (br_table $zero $one $two $one $default (local.get 0)))
          (local.set $r (i32.add (local.get $r) (i32.const 1))))
        (local.set $r (i32.add (local.get $r) (i32.const 10))))
      (local.set $r (i32.add (local.get $r) (i32.const 100)))
      (br $default))
    (local.get $r))
  (func (export "with_value") (param i32 i32) (result i32)
    (i32.add (i32.const 1000)
      (block $a (result i32)
        (i32.mul (i32.const 3)
          (block $b (result i32)
            (br_table $a $b $a (local.get 1) (local.get 0)))))))
  (func (export "in_loop") (param $n i32) (result i32)
    (local $r i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $again
        (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 3)) (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_table $out $again $again $again $out (local.get $n))))
    (local.get $r)))
