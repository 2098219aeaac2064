;; All writes are at constant places, beside what is read; growth changes nothing there.
;; FIRES: constant-data
;; SILENT: dead-memories
;; RULES: -
(module
  (memory 1)
  (data (i32.const 16) "constant")
  (func (export "a") (param i32) (result i32)
    (i32.store8 (i32.const 15) (local.get 0))
    (i32.store (i32.const 24) (local.get 0))
    (memory.fill (i32.const 28) (local.get 0) (i32.const 4))
    (drop (memory.grow (i32.const 1)))
    (i32.add (i32.load (i32.const 16)) (i32.add (i32.load (i32.const 24)) (i32.add (i32.load8_u (i32.const 15)) (i32.load (i32.const 28)))))))
