;; Growing changes the size, not what is there; a load beyond the old size is another matter.
;; FIRES: forward-store
(module
  (memory (export "m") 1 3)
  (func (export "contents") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (drop (memory.grow (i32.const 0)))
    (i32.load (local.get 0)))
  (func (export "size") (result i32)
    (i32.sub (memory.size) (block (result i32) (drop (memory.grow (i32.const 1))) (memory.size))))
  (func (export "beyond") (result i32)
    (local i32)
    (drop (memory.grow (i32.const 1)))
    (i32.load (i32.const 65536))))
