;; The way back ends with a test already, whose opposite costs nothing.
;; SILENT: rotated-loops
(module
  (func (export "f") (param $n i32) (param $k i32) (result i32) (local $i i32)
    (local.set $n (i32.and (local.get $n) (i32.const 255)))
    (block $out
      (loop $next
        (br_if $out (i32.eq (local.get $i) (local.get $k)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (local.get $n)))
        (return (i32.const -1))))
    (local.get $i)))
