;; The data count section must survive: memory.init and data.drop need it to validate.
(module
  (memory $m (export "m") 1)
  (memory $n (export "n") 1)
  (data $active (memory $m) (i32.const 32) "active")
  (data $passive "passive bytes")
  (func (export "init") (param i32)
    (memory.init $n $passive (i32.and (local.get 0) (i32.const 31)) (i32.const 2) (i32.const 5)))
  (func (export "init_empty") (param i32) (memory.init $m $passive (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u $n (i32.and (local.get 0) (i32.const 63))))
  (func (export "init_active") (memory.init $m $active (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "zz_drop") (data.drop $passive))
)
