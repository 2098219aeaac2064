;; The address alone lies before the copy, address and offset inside of it; the source starts at 0, so that source minus 4
;; would wrap.
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "constants") (result i32)
    (i32.store 1 (i32.const 4) (i32.const 77))
    (memory.copy 0 1 (i32.const 100) (i32.const 0) (i32.const 16))
    (i32.load 0 offset=8 (i32.const 96)))
  (func (export "variable") (param i32 i32) (result i32)
    (i32.store 1 offset=4 (local.get 1) (i32.const 78))
    (memory.copy 0 1 (i32.add (local.get 0) (i32.const 4)) (local.get 1) (i32.const 16))
    (i32.load 0 offset=8 (local.get 0))))
