;; Not modelled: the function is kept as it is, the others are lifted.
(module
  (tag $t)
  (func $kept try throw $t catch $t end)
  (func $lifted (param i32) (result i32) (local.get 0)))
