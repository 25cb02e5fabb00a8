;; A module with WASI that is no command: prints, and opens its first directory until that fails.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "one\0atwo")
  (data (i32.const 32) ".")
  (func (export "print") (param $fd i32)
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 7))
    (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "open") (result i32)
    (local $count i32)
    (loop $l
      (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1)
                     (i32.const 2) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8)))
        (then
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $l (i32.lt_u (local.get $count) (i32.const 100000))))))
    (local.get $count)))
