;; Wants 6.25 MiB from the beginning.
(module
  (memory (export "memory") 100)
  (func (export "_start")))
