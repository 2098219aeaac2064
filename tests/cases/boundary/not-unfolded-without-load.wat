;; Nothing is loaded for the select.
;; FUSED: on
;; SILENT: unfolded-selects
(module
  (memory $a 2)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i64) (result i64) (local $f i32) (local $tag i32) (local $r i64)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (if (i32.and (local.get $x) (i32.const 1))
      (then (i64.store $a offset=8 (local.get $f) (i64.extend_i32_u (local.get $x))) (local.set $tag (i32.const 1)))
      (else (local.set $tag (i32.const 0))))
    (local.set $r (i64.load $a offset=8 (local.get $f)))
    (local.set $r (i64.add (local.get $r) (select (i64.mul (local.get $y) (i64.const 7)) (local.get $y) (i32.eq (local.get $tag) (i32.const 1)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0))))
