;; In the first granted directory: creates out.txt, writes "one\n", computes for a while, writes
;; "two\n". Ends with the error number of what failed.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "out.txt")
  (data (i32.const 32) "one\n")
  (data (i32.const 48) "two\n")
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))
  (func $write (param $at i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.const 4))
    (call $check
      (call $fd_write (i32.load (i32.const 64)) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $compute
    (local $left i32)
    (local.set $left (i32.const 1000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left))))
  (func (export "_start")
    ;; creat | trunc, right fd_write
    (call $check
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 7) (i32.const 9)
        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64)))
    (call $write (i32.const 32))
    (call $compute)
    (call $write (i32.const 48))))
