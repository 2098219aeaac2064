;; Effective addresses have 33 bits: address + constant wraps, address + offset does not. base - 4 with offset 8 is base + 4
;; only where the difference does not wrap, so that base 0 traps.
;; SILENT: forward-store-at
(module
  (memory (export "m") 1)
  (func (export "before") (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (local.get 1))
    (i32.load offset=8 (i32.sub (local.get 0) (i32.const 4))))
  (func (export "border") (param i32) (result i32)
    (i32.store (i32.const 4) (local.get 0))
    (i32.load offset=8 (i32.const 0xfffffffc)))
  (func (export "sum_wraps") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load offset=0xfffffffc (i32.add (local.get 0) (i32.const 4)))))
