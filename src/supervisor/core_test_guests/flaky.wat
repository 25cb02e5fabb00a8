;; Its start traps as long as the device answers 0 to it.
(module
  (import "isomer:device/probe@0.1.0" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_initialize") (if (i32.eqz (call $ask (i32.const 0))) (then unreachable)))
  (func (export "crash") (unreachable))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
