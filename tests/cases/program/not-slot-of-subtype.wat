;; NOT-RUN: wasmi knows no subtypes
;; A call with a type reaches functions of its subtypes.
;; SILENT: emptied-bodies dead-functions
(module
  (type $super (sub (func (param i32) (result i32))))
  (type $sub (sub $super (func (param i32) (result i32))))
  (table 2 funcref)
  (elem (i32.const 0) func $a)
  (func $a (type $sub) (i32.add (local.get 0) (i32.const 1)))
  (func (export "run") (param i32 i32) (result i32)
    (call_indirect (type $super) (local.get 0) (local.get 1))))
