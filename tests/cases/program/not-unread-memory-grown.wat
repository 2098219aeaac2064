;; Its size is looked at, so it stays, and so does its growth; what is written goes.
;; FIRES: unread-memories
;; SILENT: dead-memories
;; RULES: -
(module
  (memory $grown 1 4)
  (memory $sized 1 4)
  (func (export "a") (param i32) (result i32)
    (i32.store $grown (i32.const 8) (local.get 0))
    (i32.store $sized (i32.const 8) (local.get 0))
    (drop (memory.grow $sized (i32.const 1)))
    (i32.add (memory.grow $grown (local.get 0)) (memory.size $sized))))
