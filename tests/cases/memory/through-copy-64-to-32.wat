;; Between a 64-bit and a 32-bit memory the offset moves over, addresses do not mix.
;; FIRES: load-through-copy-at
;; SILENT: load-through-copy
(module
  (memory (export "m32") 1)
  (memory (export "m64") i64 1)
  (func (export "down") (param i32 i64 i32) (result i32)
    (i32.store 1 offset=4 (local.get 1) (local.get 2))
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 16))
    (i32.load 0 offset=4 (local.get 0)))
  (func (export "up") (param i64 i32 i32) (result i32)
    (i32.store 0 offset=4 (local.get 1) (local.get 2))
    (memory.copy 1 0 (local.get 0) (local.get 1) (i32.const 16))
    (i32.load 1 offset=4 (local.get 0))))
