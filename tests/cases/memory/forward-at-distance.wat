;; The same place through another address and offset. For constants that is exact; base + 4 with offset 4 is base with
;; offset 8 only where the sum does not wrap, as here.
;; FIRES: forward-store-at
(module
  (memory (export "m") 1)
  (func (export "constants") (param i32) (result i32)
    (i32.store offset=4 (i32.const 96) (local.get 0))
    (i32.load (i32.const 100)))
  (func (export "sum") (param i32 i32) (result i32)
    (i32.store offset=4 (i32.add (i32.and (local.get 0) (i32.const 0xff)) (i32.const 4)) (local.get 1))
    (i32.load offset=8 (i32.and (local.get 0) (i32.const 0xff)))))
