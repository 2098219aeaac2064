;; The pointer is compared with something else than null.
;; OPTIONS: --assume=no-oom
;; FUSED: on
;; SILENT: null-checks proved-null-checks
(module
  (memory $a 2)
  (memory $b 1)
  (data (memory $b) (i32.const 16) "\00\20\00\00")
  ;; Pointer at 16.
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $p i32) (local $end i32)
    (if (i32.gt_u (local.get 3) (i32.const 1024)) (then (unreachable)))
    (local.set $p (i32.load $b (i32.const 16)))
    (local.set $end (i32.add (local.get $p) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (if (i32.gt_u (local.get $end) (i32.const 60000))
      (then (local.set $p (i32.const 8200)) (local.set $end (i32.const 9232))))
    (i32.store $b (i32.const 16) (local.get $end))
    (local.get $p))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $p i32)
    (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 12)))
    (if (i32.eq (local.get $p) (i32.const 8192)) (then (return (i32.const 7))))
    (i32.store $b (local.get $p) (local.get $y))
    (i32.store $a (i32.const 64) (local.get $p))
    (i32.load $b (local.get $p)))
  (func (export "elsewhere a") (param i32) (result i32)
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 1))
    (i32.load $a (local.get 0)))
  (func (export "elsewhere b") (param i32) (result i32)
    (i32.load $b (local.get 0))))
