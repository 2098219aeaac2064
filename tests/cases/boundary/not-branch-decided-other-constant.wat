;; The conditions differ in a constant.
;; FUSED: on
;; SILENT: folded-branches threaded-branches
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (global.set $sp (local.tee $f (i32.sub (global.get $sp) (i32.const 32))))
    (i32.store $a (local.get $f) (local.get $x))
    (if (i32.lt_u (local.get $x) (i32.const 3))
      (then
        (i32.store $b (i32.const 16) (i32.add (i32.load $b (i32.const 16)) (local.get $y)))
        (if (i32.lt_u (local.get $x) (i32.const 65531)) (then (i32.store $b (i32.const 20) (i32.add (i32.load $b (i32.const 20)) (local.get $y))) (local.set $r (i32.const 5))) (else (i32.store $b (i32.const 24) (i32.add (i32.load $b (i32.const 24)) (local.get $y))) (local.set $r (i32.const 7)))))
      (else
        (i32.store $b (i32.const 28) (i32.add (i32.load $b (i32.const 28)) (local.get $y)))
        (if (i32.lt_u (local.get $x) (i32.const 65531)) (then (i32.store $b (i32.const 32) (i32.add (i32.load $b (i32.const 32)) (local.get $y))) (local.set $r (i32.const 11))) (else (i32.store $b (i32.const 36) (i32.add (i32.load $b (i32.const 36)) (local.get $y))) (local.set $r (i32.const 13))))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32) (result i32)
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))
    (i32.load $b (local.get 0))))
