;; What was set is what is got; another global is another resource.
;; FIRES: global-get-set
(module
  (global $a (export "a") (mut i32) (i32.const 1))
  (global $b (export "b") (mut i32) (i32.const 2))
  (func (export "forwarded") (param i32) (result i32)
    (global.set $a (local.get 0))
    (global.set $b (i32.const 5))
    (global.get $a))
  (func (export "bump") (param i32) (result i32)
    ;; The old value must be read before the new one is written.
    (local $old i32)
    (local.set $old (global.get $a))
    (global.set $a (i32.add (global.get $a) (local.get 0)))
    (local.get $old)))
