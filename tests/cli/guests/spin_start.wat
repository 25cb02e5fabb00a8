;; Runs in its start function until it is stopped.
(module
  (func $spin (loop $again (br $again)))
  (start $spin)
  (func (export "_start")))
