;; Reads its first directory's file "pipe" once and answers how many bytes came.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "pipe")
  (func (export "read") (result i32)
    ;; right to read (2) and to poll (1 << 27); not blocking
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 0)
          (i64.const 0x8000002) (i64.const 0) (i32.const 0) (i32.const 8))
      (then (return (i32.const -1))))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 100))
    (if (call $read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12))
      (then (return (i32.const -2))))
    (i32.load (i32.const 12))))
