(module
  (type $s (struct (field i32)))
  (func $f (param anyref) (result i32)
    (block $is (result (ref $s))
      (drop (br_on_cast $is anyref (ref $s) (local.get 0)))
      (return (i32.const -1)))
    (struct.get $s 0)))
