;; An imported global is read by whoever made it.
;; NOT-RUN: the oracle supplies no mutable globals
;; OPTIONS: --closed-world --keep-export=run
;; SILENT: unread-global-stores dead-globals
(module
  (import "m" "g" (global $g (mut i32)))
  (func (export "run") (param i32) (global.set $g (local.get 0))))
