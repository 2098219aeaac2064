;; An effect that changes nothing, one of fewer operators, a branch turned round.
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32)
    (i32.store8 (local.get 0) (i32.and (i32.add (local.get 1) (i32.const 3)) (i32.const 255)))
    (i32.store offset=8 (local.get 0) (i32.load offset=8 (local.get 0)))
    (if (i32.and (i32.xor (local.get 1) (i32.const -1)) (i32.const 4))
      (then (i32.store (local.get 1) (i32.const 1))))))
