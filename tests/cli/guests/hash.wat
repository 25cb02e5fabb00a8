;; A long computation without any import: its result depends on every round.
(module
  (func (export "hash") (param $rounds i32) (result i64)
    (local $value i64)
    (local.set $value (i64.const 0x9E3779B97F4A7C15))
    (loop $again
      (local.set $value
        (i64.mul
          (i64.xor (local.get $value) (i64.shr_u (local.get $value) (i64.const 29)))
          (i64.const 0xBF58476D1CE4E5B9)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $value))
  (func (export "spin") (result i32) (loop $again (br $again)) (i32.const 0)))
