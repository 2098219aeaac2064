;; A type of its own takes more bytes than one result and one `drop` give back.
;; SILENT: unused-results
;; RULES: -
(module
  (memory (export "m") 1)
  (func $f (param i32 f32) (result i32)
    (i32.store (local.get 0) (i32.const 1))
    (f32.store offset=4 (local.get 0) (local.get 1))
    (i32.load offset=4 (local.get 0)))
  (func (export "a") (param f32 i32)
    (drop (call $f (local.get 1) (local.get 0)))))
