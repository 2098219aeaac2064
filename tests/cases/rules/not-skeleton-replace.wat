;; SILENT: narrow-store-of-masked narrow-store-of-extended narrow-store-of-shifted-back narrow-store-of-set-high-bits
;; SILENT: store-of-extended-to-i64 store-of-wrapped store-of-reinterpreted fill-with-masked fill-with-extended grow-by-nothing
;; Bits that are written are changed here.
(module
  (memory (export "m") 1 4)
  (func (export "mask_inside") (param i32 i32)
    (i32.store8 (local.get 0) (i32.and (local.get 1) (i32.const 0x7f))))
  (func (export "narrower_extension") (param i32 i64)
    (i64.store32 (local.get 0) (i64.extend16_s (local.get 1))))
  (func (export "shift_inside") (param i32 i32)
    (i32.store16 (local.get 0) (i32.shr_u (i32.shl (local.get 1) (i32.const 17)) (i32.const 17))))
  (func (export "other_shifts") (param i32 i32)
    (i32.store8 (local.get 0) (i32.shr_u (i32.shl (local.get 1) (i32.const 8)) (i32.const 9))))
  (func (export "low_bit") (param i32 i32)
    (i32.store8 (local.get 0) (i32.or (local.get 1) (i32.const 0xff01))))
  (func (export "all_bits") (param i32 i32)
    (i64.store (local.get 0) (i64.extend_i32_u (local.get 1))))
  (func (export "fill_inside") (param i32 i32 i32)
    (memory.fill (local.get 0) (i32.and (local.get 1) (i32.const 127)) (local.get 2)))
  ;; The masked value is there anyway.
  (func (export "needed_elsewhere") (param i32 i32) (result i32)
    (i32.store8 (local.get 0) (local.tee 1 (i32.and (local.get 1) (i32.const 0xff))))
    (local.get 1))
  (func (export "grow") (param i32) (result i32)
    (i32.add (memory.grow (i32.const 1)) (memory.grow (i32.and (local.get 0) (i32.const 1))))))
