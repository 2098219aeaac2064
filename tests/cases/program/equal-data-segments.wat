;; Passive segments with the same bytes are one, but for those that somebody drops.
;; FIRES: equal-data-segments
;; RULES: -
(module
  (memory (export "m") 1)
  (data $a "the same bytes")
  (data $b "the same bytes")
  (data $dropped "the same bytes")
  (func (export "a") (param i32 i32)
    (memory.init $a (local.get 0) (i32.const 1) (local.get 1))
    (memory.init $b (local.get 1) (i32.const 2) (local.get 0)))
  (func (export "b") (param i32) (memory.init $dropped (local.get 0) (i32.const 0) (i32.const 4)))
  (func (export "c") (data.drop $dropped)))
