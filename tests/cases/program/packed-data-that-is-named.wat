;; A body names these segments, which are dropped since instantiation: they stay, whatever is in them.
;; FIRES: zero-data-bytes
;; RULES: -
(module
  (memory (export "m") 1)
  (data $a (i32.const 16) "abc")
  (data $b (i32.const 19) "def")
  (data $c (i32.const 22) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (func (export "a") (param i32)
    (memory.init $b (i32.const 0) (i32.const 0) (local.get 0))
    (memory.init $c (i32.const 0) (i32.const 0) (local.get 0))))
