;; Fills, copies and `memory.init` of known extent move by their addresses.
;; OPTIONS: --merge-memories
;; FIRES: merged-memories
(module
  (memory $a 1) (memory $b 1) (memory $x (export "x") 1)
  (data $p "passive bytes, of which some are used")
  (func (export "init") (param i32)
    (memory.init $b $p (i32.and (local.get 0) (i32.const 31)) (i32.const 3) (i32.const 20)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill $b (i32.and (local.get 0) (i32.const 255)) (local.get 1) (i32.and (local.get 2) (i32.const 63))))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy $a $b (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 255)) (i32.const 100)))
  (func (export "within") (param i32 i32 i32)
    (memory.copy $b $b (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 255)) (i32.const 100)))
  (func (export "out") (param i32 i32)
    (memory.copy $x $b (local.get 0) (i32.and (local.get 1) (i32.const 255)) (i32.const 30)))
  (func (export "zz_drop") (data.drop $p))
  (func (export "put") (param i32 i32)
    (i32.store $a (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
    (i32.store16 $b offset=64 (i32.and (local.get 0) (i32.const 63)) (local.get 1)))
  (func (export "get") (param i32) (result i32)
    (i32.sub (i32.load $a (i32.and (local.get 0) (i32.const 0xfc)))
      (i32.load8_u $b (i32.and (local.get 0) (i32.const 127))))))
