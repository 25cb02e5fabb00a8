;; Well-formed, but a function leaves the wrong type (made with wat2wasm --no-check).
(module
  (func $broken (export "_start") (result i32) (i64.const 1)))
