;; Of a call's several results some are dropped and others go to locals, conditions and back edges: the scheduler must
;; neither lose a value nor take one result for another. (Found by fuzzing: own 2, 610, 1492, 1841, 1973.)
(module
  (import "env" "two" (func $two (param i32) (result i32 i32)))
  (import "env" "wide" (func $wide (param i64) (result i64 i32 f32)))
  (import "env" "log" (func $log (param i32)))
  (memory $m (export "m") 1)
  (func $pair (export "pair") (param i32) (result i32 i32)
    (i32.add (local.get 0) (i32.const 1))
    (i32.mul (local.get 0) (i32.const 3)))
  (func (export "first_to_condition") (param i32 i64) (result i64)
    (local i32)
    local.get 0
    call $two
    drop
    local.set 2
    block (result i64)
      local.get 1
      local.get 2
      br_if 0
      drop
      i64.const 5
    end)
  (func (export "first_to_condition_direct") (param i32 i32)
    local.get 0
    call $pair
    drop
    local.set 1
    block (result i64)
      i64.const 9223372036854775807
      local.get 1
      br_if 0
      i32.const 0
      local.get 1
      i32.store $m
    end
    drop)
  (func (export "condition_of_if") (param i32) (result i32)
    local.get 0
    call $pair
    drop
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)
  (func (export "second_dropped_in_loop") (param i32 i32 i32) (result i32)
    (local $n i32)
    (local.set $n (i32.const 3))
    loop $again
      i32.const 183
      local.get 2
      local.set 0
      local.set 2
      local.get 0
      call $pair
      drop
      call $log
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    end
    local.get 0)
  (func (export "middle_kept") (param i64) (result i32)
    (local $x i32)
    local.get 0
    call $wide
    drop
    local.set $x
    drop
    local.get $x
    if (result i32)
      i32.const 11
    else
      local.get $x
    end)
  (func (export "results_as_arguments") (param i32) (result i32 i32)
    (local $x i32)
    (local $n i32)
    (local.set $n (i32.const 2))
    loop $again
      local.get 0
      call $two
      local.set $x
      local.set 0
      local.get $x
      call $log
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    end
    local.get $x
    local.get 0
    call $pair
    drop)
)
