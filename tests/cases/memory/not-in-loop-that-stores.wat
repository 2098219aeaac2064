;; The loop stores: at its head the memory is that of before or of the last round.
;; SILENT: forward-store load-past-effects
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32)
    (local $sum i32)
    (local.set $n (i32.add (i32.and (local.get $n) (i32.const 15)) (i32.const 1)))
    (i32.store (i32.const 64) (i32.const 1))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 64))))
      (i32.store (i32.const 64) (local.get $n))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    )
    (local.get $sum)))
