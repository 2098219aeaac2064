;; Sums with constants vanish in addresses.
;; SILENT: carried-values
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (param $x i32) (param $c i32) (result i32)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (local.set $x (i32.xor (i32.add (local.get $x) (i32.const 4)) (local.get $c)))
      (i32.store (i32.const 0) (i32.add (local.get $x) (i32.const 4)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $x)))
