;; Bit identities and masks of what is known.
;; FIRES: bit-const-const xor-self and-absorbs-or mask-keeps-all masked-sides-in-sum
(module
  (memory (export "m") 1)
  (func (export "masks") (param i32) (result i32)
    (i32.and (i32.and (local.get 0) (i32.const 0xff0)) (i32.const 0x0ff)))
  (func (export "gone") (param i64) (result i64)
    (i64.xor (local.get 0) (local.get 0)))
  (func (export "twice") (param i32) (result i32)
    (i32.xor (i32.xor (local.get 0) (i32.const -1)) (i32.const -1)))
  (func (export "absorbed") (param i32 i32) (result i32)
    (i32.and (local.get 0) (i32.or (local.get 0) (local.get 1))))
  (func (export "byte") (param i32) (result i32)
    (i32.and (i32.load8_u (local.get 0)) (i32.const 255)))
  (func (export "inner_mask") (param i32 i32) (result i32)
    (i32.and
      (i32.add (i32.and (local.get 0) (i32.const 255)) (local.get 1))
      (i32.const 255))))
