;; What was loaded in one round is not what is loaded in the next, even from one address.
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32)
    (local $last i32) (local $sum i32)
    (local.set $n (i32.add (i32.and (local.get $n) (i32.const 7)) (i32.const 1)))
    (i32.store (i32.const 0) (i32.const 100))
    (loop $again
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (local.get $last)))
      (local.set $last (i32.load (i32.const 0)))
      (i32.store (i32.const 0) (i32.add (local.get $last) (local.get $n)))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 0))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
