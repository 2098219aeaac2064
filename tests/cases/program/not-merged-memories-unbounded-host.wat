;; So has one to the memory that would stay.
;; OPTIONS: --merge-memories
;; SILENT: merged-memories
(module
  (memory $a 1) (memory $b 1)
  (func (export "put") (param i32 i32)
    (i32.store $a (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
    (i32.store16 $b offset=64 (i32.and (local.get 0) (i32.const 63)) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load $a (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $b (i32.and (local.get 0) (i32.const 127)))))
  (func (export "any") (param i32) (result i32) (i32.load $a (local.get 0))))
