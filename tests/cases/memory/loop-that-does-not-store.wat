;; What no block of the loop writes keeps its version through the loop.
;; FIRES: forward-store
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "f") (param $n i32) (result i32)
    (local $sum i32)
    (local.set $n (i32.add (i32.and (local.get $n) (i32.const 15)) (i32.const 1)))
    (i32.store 0 (i32.const 64) (local.get $n))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load 0 (i32.const 64))))
      (i32.store 1 (i32.const 64) (local.get $sum))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    )
    (local.get $sum)))
