;; What may trap, and what reads a memory that the loop writes, stays in the loop.
;; RULES: -
(module
  (memory (export "m") 1)
  (func (export "division") (param $n i32) (param $d i32) (result i32)
    (local $sum i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get $n)))
        (i32.store (i32.const 32) (local.get $n))
        (local.set $sum (i32.add (local.get $sum) (i32.div_u (i32.const 1000) (local.get $d))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $sum))
  (func (export "load") (param $n i32) (param $p i32) (result i32)
    (local $sum i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $p))))
        (i32.store (i32.const 32) (local.get $sum))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $sum)))
