;; Two imported globals of one type that can be written may be one; those of different types may not.
;; FIRES: global-get-set
(module
  (import "host" "a" (global $a (mut i32)))
  (import "host" "b" (global $b (mut i32)))
  (import "host" "c" (global $c (mut i64)))
  (func (export "of_one_type") (param i32 i32) (result i32)
    (global.set $a (local.get 0))
    (global.set $b (local.get 1))
    (global.get $a))
  (func (export "of_two_types") (param i32) (result i32)
    (global.set $a (local.get 0))
    (global.set $c (i64.const 7))
    (global.get $a)))
