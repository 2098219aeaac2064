;; A bound that comes around a loop: the index is masked wherever it is made.
;; OPTIONS: --merge-memories
;; FIRES: merged-memories
(module
  (memory $a 1) (memory $b 1)
  (func (export "fill") (param $i i32) (param $n i32) (result i32) (local $s i32)
    (local.set $i (i32.and (local.get $i) (i32.const 31)))
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $again
      (i32.store $b (local.get $i) (local.get $n))
      (local.set $s (i32.add (local.get $s) (i32.load $a (local.get $i))))
      (i32.store $a offset=4 (local.get $i) (i32.load $b offset=1 (local.get $i)))
      (local.set $i (i32.and (i32.mul (local.get $i) (i32.const 5)) (i32.const 31)))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s)))
