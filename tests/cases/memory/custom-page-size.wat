;; With pages of one byte the first page is one byte: the least size proves less.
(module
  (memory (export "m") 8 (pagesize 1))
  (func (export "goes") (drop (i32.load (i32.const 4))))
  (func (export "stays") (drop (i32.load (i32.const 5))))
  (func (export "forwarded") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load (local.get 0))))
