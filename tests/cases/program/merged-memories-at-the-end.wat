;; The last byte within the initial size is still within it.
;; OPTIONS: --merge-memories
;; FIRES: merged-memories
(module
  (memory $a 1) (memory $b 1)
  (func (export "put") (param i32)
    (i64.store $a offset=65528 (i32.const 0) (i64.extend_i32_u (local.get 0)))
    (i32.store8 $b (i32.and (local.get 0) (i32.const 65535)) (local.get 0)))
  (func (export "get") (param i32) (result i32)
    (i32.add (i32.load8_u $a (i32.and (local.get 0) (i32.const 65535)))
      (i32.load8_u $b (i32.and (local.get 0) (i32.const 65535))))))
