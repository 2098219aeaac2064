;; Three become one; an exported one between them keeps its own bytes.
;; OPTIONS: --merge-memories
;; FIRES: merged-memories
(module
  (memory $a 1) (memory $host (export "host") 1) (memory $b 1) (memory $c 1)
  (data (memory $c) (i32.const 0) "third") (data (memory $b) (i32.const 3) "second") (data (memory $host) (i32.const 1) "host")
  (func (export "put") (param i32 i32)
    (i32.store $a (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
    (i32.store16 $b offset=64 (i32.and (local.get 0) (i32.const 63)) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load $a (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $b (i32.and (local.get 0) (i32.const 127)))))
  (func (export "third") (param i32) (result i64)
    (i32.store8 $host (local.get 0) (i32.const 1))
    (i64.store $c (i32.shl (i32.and (local.get 0) (i32.const 7)) (i32.const 3)) (i64.const 0x1122334455667788))
    (i64.load $c (i32.add (i32.and (local.get 0) (i32.const 15)) (i32.const 2)))))
