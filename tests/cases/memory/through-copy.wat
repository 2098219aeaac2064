;; What lies in a copy is what lay in the source, across memories: the way of a return area.
;; FIRES: load-through-copy-at forward-store
(module
  (memory (export "caller") 1)
  (memory (export "callee") 1)
  (func (export "return_area") (param i32 i32 i32 i32) (result i32)
    (i32.store 1 (local.get 1) (local.get 2))
    (i32.store 1 offset=4 (local.get 1) (local.get 3))
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 8))
    (i32.sub
      (i32.load 0 (local.get 0))
      (i32.load 0 offset=4 (local.get 0))))
  (func (export "before_the_copy") (param i32 i32) (result i32)
    ;; The source changes after the copy.
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 16))
    (i32.store 1 offset=4 (local.get 1) (i32.const -1))
    (i32.load 0 offset=4 (local.get 0))))
