;; Nobody reads this memory: its writes at constant places go, its growth, its data, and then it goes itself.
;; FIRES: unread-memories dead-memories
;; RULES: -
(module
  (memory $unread 1)
  (memory $read (export "m") 1)
  (data (memory $unread) (i32.const 16) "data")
  (func (export "a") (param i32) (result i32)
    (i32.store $unread offset=8 (i32.const 32) (i32.mul (local.get 0) (i32.const 3)))
    (f64.store $unread (i32.const 65528) (f64.const 1))
    (memory.fill $unread (i32.const 0) (local.get 0) (i32.const 64))
    (memory.copy $unread $read (i32.const 0) (i32.const 8) (i32.const 64))
    (drop (memory.grow $unread (local.get 0)))
    (i32.load $read (local.get 0))))
