;; The trap of the value stays.
;; FIRES: unread-global-stores
(module
  (global $g (mut i32) (i32.const 1))
  (func (export "run") (param i32)
    (global.set $g (i32.div_u (i32.const 7) (local.get 0)))))
