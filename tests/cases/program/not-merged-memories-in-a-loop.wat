;; An index that grows around a loop has no bound.
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
  (func (export "count") (param $n i32) (result i32) (local $i i32) (local $s i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $again
      (local.set $s (i32.add (local.get $s) (i32.load8_u $b (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $i) (i32.shl (local.get $n) (i32.const 13)))))
    (local.get $s)))
