;; Together they are larger than a memory can be.
;; OPTIONS: --merge-memories
;; SILENT: merged-memories
;; NOT-RUN: eight gigabytes
(module
  (memory $a 65536) (memory $b 65536)
  (func (export "put") (param i32 i32)
    (i32.store8 $a offset=4026531840 (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
    (i32.store8 $b offset=4026531840 (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load8_u $a offset=4026531840 (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $b offset=4026531840 (i32.and (local.get 0) (i32.const 0xfc))))))
