;; FIRES: branch-if-bit-is-clear branch-if-false branch-if-remainder branch-if-negated branch-if-rotated branch-if-odd-multiple
;; FIRES: branch-if-shifted branch-on-nonzero
;; A branch asks only whether its condition is zero.
(module
  (import "e" "f" (func $f (param i32)))
  (func (export "clear") (param i32)
    (if (i32.and (i32.xor (local.get 0) (i32.const -1)) (i32.const 16)) (then (call $f (i32.const 1)))))
  (func (export "false") (param i32)
    (if (i32.xor (i32.shr_u (local.get 0) (i32.const 31)) (i32.const 1)) (then (call $f (i32.const 1)))))
  (func (export "remainder") (param i32)
    (if (i32.rem_s (local.get 0) (i32.const 16)) (then (call $f (i32.const 1)))))
  (func (export "negated") (param i32)
    (if (i32.sub (i32.const 0) (local.get 0)) (then (call $f (i32.const 1)))))
  (func (export "rotated") (param i32 i32)
    (if (i32.rotl (local.get 0) (local.get 1)) (then (call $f (i32.const 1)))))
  (func (export "multiple") (param i32)
    (if (i32.mul (local.get 0) (i32.const 7)) (then (call $f (i32.const 1)))))
  (func (export "shifted") (param i32)
    (if (i32.shl (i32.shr_u (local.get 0) (i32.const 4)) (i32.const 4)) (then (call $f (i32.const 0))))
    (if (i32.shl (i32.and (local.get 0) (i32.const 7)) (i32.const 4)) (then (call $f (i32.const 1)))))
  (func (export "nonzero") (param i32)
    (if (i32.or (local.get 0) (i32.const 2)) (then (call $f (i32.const 1))) (else (call $f (i32.const 2))))))
