;; SILENT: branch-if-bit-is-clear branch-if-false branch-if-remainder branch-if-negated branch-if-rotated branch-if-odd-multiple
;; SILENT: branch-if-shifted branch-on-nonzero
;; Conditions that are not zero where the simpler one is, and values that are no conditions.
(module
  (import "e" "f" (func $f (param i32)))
  ;; Two bits; another bit.
  (func (export "two_bits") (param i32)
    (if (i32.and (i32.xor (local.get 0) (i32.const -1)) (i32.const 48)) (then (call $f (i32.const 1)))))
  (func (export "no_truth_value") (param i32)
    (if (i32.xor (local.get 0) (i32.const 1)) (then (call $f (i32.const 1)))))
  (func (export "no_power") (param i32)
    (if (i32.rem_s (local.get 0) (i32.const 12)) (then (call $f (i32.const 1)))))
  (func (export "from_one") (param i32)
    (if (i32.sub (i32.const 1) (local.get 0)) (then (call $f (i32.const 1)))))
  (func (export "even_multiple") (param i32)
    (if (i32.mul (local.get 0) (i32.const 6)) (then (call $f (i32.const 1)))))
  (func (export "bits_shifted_out") (param i32)
    (if (i32.shl (local.get 0) (i32.const 4)) (then (call $f (i32.const 1)))))
  (func (export "may_be_zero") (param i32)
    (if (i32.and (local.get 0) (i32.const 2)) (then (call $f (i32.const 1)))))
  (func (export "no_branch") (param i32) (result i32)
    (i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.rotl (local.get 0) (local.get 0)))))
