;; Addresses of 64 bits.
;; OPTIONS: --merge-memories
;; SILENT: merged-memories
(module
  (memory $a 1) (memory $b 1) (memory $w i64 1)
  (func (export "put") (param i32 i32)
    (i32.store $a (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load $b (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $w (i64.and (i64.extend_i32_u (local.get 0)) (i64.const 127))))))
