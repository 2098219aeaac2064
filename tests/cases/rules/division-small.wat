;; For size a division stays one instruction.
;; OPTIONS: -Os
;; SILENT: div-u-by-magic div-s-by-magic div-s-by-power
(module
  (func (export "by_ten") (param i32) (result i32)
    (i32.div_u (local.get 0) (i32.const 10)))
  (func (export "signed_power") (param i32) (result i32)
    (i32.div_s (local.get 0) (i32.const 8))))
