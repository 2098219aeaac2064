;; A tag that nothing throws or catches goes, and its type.
;; NOT-RUN: wasmi knows no exceptions
;; FIRES: dead-tags dead-types
(module
  (tag $dead (param i64))
  (tag $live (param i32))
  (func (export "run") (param i32) (throw $live (local.get 0))))
