;; Where exceptions are handled, the results of a call are parameters of a block.
;; SILENT: unused-results
;; NOT-RUN: exceptions
;; RULES: -
(module
  (memory (export "m") 1)
  (tag $e)
  (func $f (param i32) (result i32)
    (i32.store (local.get 0) (i32.const 1))
    (if (i32.load offset=8 (local.get 0)) (then (throw $e)))
    (i32.load offset=4 (local.get 0)))
  (func (export "a") (param i32)
    (block $h
      (try_table (catch $e $h)
        (drop (call $f (local.get 0)))
        (drop (call $f (i32.add (local.get 0) (i32.const 4))))
        (drop (call $f (i32.add (local.get 0) (i32.const 8))))))))
