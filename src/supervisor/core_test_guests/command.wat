;; A program: copies its standard input to its standard output, its first argument to its standard
;; error, and ends with the number of its arguments as status. With four arguments it waits for 50 ms
;; first, with five it prints for ever.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $put (param $fd i32) (param $at i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $len))
    (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $strlen (param $at i32) (result i32)
    (local $n i32)
    (loop $l
      (if (i32.load8_u (i32.add (local.get $at) (local.get $n)))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $l))))
    (local.get $n))
  (func (export "_start")
    (local $count i32)
    (drop (call $sizes (i32.const 16) (i32.const 20)))
    (drop (call $args (i32.const 1024) (i32.const 4096)))
    (local.set $count (i32.load (i32.const 16)))
    (if (i32.eq (local.get $count) (i32.const 4))
      (then
        ;; subscription: clock 1 (monotonic), 50 ms from now
        (i32.store (i32.const 112) (i32.const 1))
        (i64.store (i32.const 120) (i64.const 50000000))
        (drop (call $poll (i32.const 96) (i32.const 160) (i32.const 1) (i32.const 200)))))
    (if (i32.eq (local.get $count) (i32.const 5))
      (then (loop $l (call $put (i32.const 1) (i32.const 0) (i32.const 65536)) (br $l))))
    (loop $l
      (i32.store (i32.const 0) (i32.const 32768))
      (i32.store (i32.const 4) (i32.const 16384))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (i32.load (i32.const 8))
        (then (call $put (i32.const 1) (i32.const 32768) (i32.load (i32.const 8))) (br $l))))
    (if (i32.gt_u (local.get $count) (i32.const 1))
      (then
        (call $put (i32.const 2) (i32.load (i32.const 1028)) (call $strlen (i32.load (i32.const 1028))))))
    (call $exit (local.get $count))))
