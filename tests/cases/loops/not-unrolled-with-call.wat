;; A call in the loop.
;; SILENT: unrolled-loops
(module
  (import "host" "log" (func $log (param i32)))
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (loop $next
      (call $log (local.get $i))
      (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
    (local.get $x)))
