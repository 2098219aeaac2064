;; Two loops directly after one another, and a call with a value of the first and one of the second. The call's operands are
;; pushed in order, so the first loop's value was to be pushed before the second loop; that nothing stands between the
;; loops was not seen, and it was read from its local before the first loop, where it is not yet there. The stack-code checker
;; refused the code (so nothing wrong was ever written out) and the function was lowered in a plainer way.
(module
  (memory (export "m") 1)
  (data (i32.const 0) "\01\01\01\00\01\01\00\01")
  (func $f (param i32 i32 i64) (result i32)
    (i32.add
      (i32.mul (local.get 0) (i32.const 100))
      (i32.add (i32.mul (local.get 1) (i32.const 10)) (i32.wrap_i64 (local.get 2)))))
  (func (export "two") (param $a i32) (param $p i32) (param $q i32) (result i32)
    (local $old i32) (local $w i64)
    (local.set $p (i32.and (local.get $p) (i32.const 7)))
    (local.set $q (i32.and (local.get $q) (i32.const 7)))
    loop $first
      (local.set $old (local.get $p))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $first (i32.load8_u (local.get $old)))
    end
    loop $second
      (local.set $w (i64.extend_i32_s (local.get $q)))
      (local.set $q (i32.add (local.get $q) (i32.const 1)))
      (br_if $second (i32.load8_u (local.get $q)))
    end
    (call $f (local.get $a) (local.get $old) (local.get $w)))
  ;; A `block` instead of the first loop, the second loop left from its middle, and a third loop after it.
  (func (export "three") (param $a i32) (param $p i32) (param $q i32) (result i32)
    (local $old i32) (local $w i64)
    (local.set $p (i32.and (local.get $p) (i32.const 7)))
    (local.set $q (i32.and (local.get $q) (i32.const 7)))
    block $skip
      (local.set $old (i32.load8_u (local.get $p)))
      (br_if $skip (i32.eqz (local.get $a)))
      (i32.store8 offset=16 (local.get $p) (local.get $old))
    end
    block $out
      loop $second
        (local.set $w (i64.extend_i32_s (local.get $q)))
        (br_if $out (i32.eqz (i32.load8_u (local.get $q))))
        (local.set $q (i32.add (local.get $q) (i32.const 1)))
        (br_if $second (i32.load8_u offset=2 (local.get $q)))
      end
    end
    loop $third
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $third (i32.load8_u (local.get $p)))
    end
    (call $f (local.get $old) (local.get $p) (local.get $w))))
