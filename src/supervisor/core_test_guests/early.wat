;; Asks the device while it is initialised; what it was told is its result.
(module
  (import "isomer:device/probe@0.1.0" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_initialize") (i32.store (i32.const 64) (call $ask (i32.const 5))))
  (func (export "get-answer") (result i32) (i32.load (i32.const 64))))
