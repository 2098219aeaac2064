;; Types that are written twice are one type.
;; SILENT: emptied-bodies dead-functions
;; FIRES: dead-types
(module
  (type $one (func (param i32) (result i32)))
  (type $two (func (param i32) (result i32)))
  (table 2 funcref)
  (elem (i32.const 0) func $a)
  (func $a (type $one) (i32.add (local.get 0) (i32.const 1)))
  (func (export "run") (param i32 i32) (result i32)
    (call_indirect (type $two) (local.get 0) (local.get 1))))
