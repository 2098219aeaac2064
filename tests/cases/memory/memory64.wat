;; 64-bit addresses: offsets beyond 32 bits count in full.
;; FIRES: forward-store load-past-effects
(module
  (memory (export "m") i64 1)
  (func (export "forwarded") (param i64 i32) (result i32)
    (i32.store offset=8 (local.get 0) (local.get 1))
    (i32.store offset=12 (local.get 0) (i32.const 3))
    (i32.load offset=8 (local.get 0)))
  (func (export "large_offset_traps") (param i64) (result i32)
    (i32.store (local.get 0) (i32.const 5))
    (i32.load offset=0x100000000 (local.get 0)))
  (func (export "wraps") (param i64 i32) (result i32)
    ;; address - 8 with offset 8 is the address only where the difference does not wrap.
    (i32.store (local.get 0) (local.get 1))
    (i32.load offset=8 (i64.sub (local.get 0) (i64.const 8)))))
