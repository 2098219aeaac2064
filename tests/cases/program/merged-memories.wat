;; All accesses stay below a mask: the second memory follows the first, its segment and offsets with it.
;; OPTIONS: --merge-memories
;; FIRES: merged-memories
(module
  (memory $a 3) (memory $b 2 9)
  (data (memory $b) (i32.const 8) "configuration")
  (func (export "put") (param i32 i32)
    (i32.store $a (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
    (i32.store16 $b offset=64 (i32.and (local.get 0) (i32.const 63)) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load $a (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $b (i32.and (local.get 0) (i32.const 127))))))
