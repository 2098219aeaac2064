;; The call writes the other memory only, which its summary says.
;; FIRES: forward-store
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func $writes_m1 (i32.store 1 (i32.const 16) (i32.const 99)))
  (func (export "f") (param i32) (result i32)
    (i32.store 0 (i32.const 16) (local.get 0))
    (call $writes_m1)
    (i32.load 0 (i32.const 16))))
