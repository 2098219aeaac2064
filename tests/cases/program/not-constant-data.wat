;; A memory for each reason: somebody may write these bytes, they are not known, or the load may trap.
;; SILENT: constant-data
;; RULES: -
(module
  (memory $exported (export "m") 1)
  (memory $stored 1)
  (memory $covered 1)
  (memory $copied 1)
  (memory $filled 1)
  (memory $initialised 1)
  (memory $beyond 1)
  (data (memory $exported) (i32.const 16) "data")
  (data (memory $stored) (i32.const 16) "data")
  (data (memory $covered) (i32.const 16) "data")
  (data (memory $copied) (i32.const 16) "data")
  (data (memory $filled) (i32.const 16) "data")
  (data (memory $initialised) (i32.const 16) "data")
  (data (memory $beyond) (i32.const 65532) "data")
  (data $passive "more")
  (func (export "a") (param i32) (result i32)
    (i32.store $stored (local.get 0) (i32.const 1))
    (i32.store8 $covered (i32.const 19) (local.get 0))
    (memory.copy $copied $exported (local.get 0) (i32.const 0) (i32.const 4))
    (memory.fill $filled (i32.const 12) (local.get 0) (i32.const 5))
    (memory.init $initialised $passive (i32.const 16) (i32.const 0) (i32.const 4))
    (i32.add
      (i32.add
        (i32.load $exported (i32.const 16))
        (i32.add (i32.load $stored (i32.const 16)) (i32.load $covered (i32.const 16))))
      (i32.add
        (i32.add (i32.load $copied (i32.const 16)) (i32.load $filled (i32.const 16)))
        (i32.load $initialised (i32.const 16)))))
  (func (export "b") (result i32) (i32.load $beyond (i32.const 65533))))
