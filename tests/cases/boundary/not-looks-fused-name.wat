;; The second allocator has another name.
;; SILENT: erased-buffers stack-pointer-reads
(module
  (memory $a 2)
  (memory $b 1)
  (data (memory $a) (i32.const 16) "\00\20\00\00")
  (data (memory $b) (i32.const 16) "\00\20\00\00")
  (data (memory $a) (i32.const 1024) "\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d\0e\0f\10\11\12\13\14\15\16\17\18\19\1a\1b\1c\1d\1e\1f\20")
  (global $sp (mut i32) (i32.const 100000))
  ;; Pointer at 16, size of a block before it; the latest block is taken back.
  (func $r (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $p i32) (local $end i32)
    (if (i32.gt_u (local.get 3) (i32.const 1024)) (then (unreachable)))
    (local.set $p (i32.add (i32.load $b (i32.const 16)) (i32.const 8)))
    (local.set $end (i32.add (local.get $p) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (if (i32.gt_u (local.get $end) (i32.const 60000))
      (then (local.set $p (i32.const 8200)) (local.set $end (i32.const 9232))))
    (i32.store $b (i32.sub (local.get $p) (i32.const 4)) (i32.sub (local.get $end) (local.get $p)))
    (i32.store $b (i32.const 16) (local.get $end))
    (local.get $p))
  (func $g (param $p i32)
    (if (local.get $p) (then
      (if (i32.eq (i32.load $b (i32.const 16))
                  (i32.add (local.get $p) (i32.load $b (i32.sub (local.get $p) (i32.const 4)))))
        (then (i32.store $b (i32.const 16) (i32.sub (local.get $p) (i32.const 8))))))))
  (func (export "cabi_realloc$x") (param i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 2) (i32.const 1024)) (then (unreachable)))
    (i32.store $a (i32.const 16) (i32.add (i32.load $a (i32.const 16)) (i32.const 16)))
    (i32.load $a (i32.const 16)))
  (func (export "f") (param $x i32) (param $y i32) (result i32)
    (local $s i32) (local $n i32) (local $p i32) (local $i i32) (local $r i32) (local $q i32)
    (local.set $s (i32.add (i32.and (local.get $x) (i32.const 15)) (i32.const 1024)))
    (local.set $n (i32.and (local.get $y) (i32.const 15)))
    
    (local.set $p (call $r (i32.const 0) (i32.const 0) (i32.const 1) (local.get $n)))
    (memory.copy $b $a (local.get $p) (local.get $s) (local.get $n))
    
    (if (i32.eqz (local.get $p)) (then (unreachable)))
    (if (i32.eq (local.get $p) (i32.const 0)) (then (unreachable)))
    (local.set $q (i32.add (local.get $p) (local.get $n)))
    (local.set $i (local.get $p))
    (loop $next
      (if (i32.ne (local.get $i) (local.get $q)) (then
        (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 31)) (i32.load8_u $b (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (local.set $r (i32.add (local.get $r) (i32.sub (local.get $i) (local.get $p))))
    (if (local.get $p) (then (call $g (local.get $p))))
    (local.get $r)))
