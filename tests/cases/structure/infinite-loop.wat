;; A loop without an exit, reached only by some arguments, and one that does nothing.
;; RULES: -
(module
  (memory (export "m") 1)
  (func (export "until_trap") (param $p i32)
    (local.set $p (i32.or (local.get $p) (i32.const 0xff00)))
    (loop $again
      (i32.store8 (local.get $p) (i32.const 1))
      (local.set $p (i32.add (local.get $p) (i32.const 64)))
      (br $again)))
  (func (export "never") (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 123456)) (then (loop $again (br $again))))
    (local.get 0)))
