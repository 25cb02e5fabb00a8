// run.mjs ISOMER.WASM MODULE.WASM N [FUEL SNAPSHOT]: calls run(N) (i32 -> i64) of a module inside the
// engine, which is a module itself. With FUEL it stops after so much and writes a snapshot.
// run.mjs ISOMER.WASM MODULE.WASM resume SNAPSHOT: continues one, whoever wrote it.
// What it prints: the result as 16 hexadecimal digits, and the fuel used.
import { readFileSync, writeFileSync } from "node:fs";

const [enginePath, modulePath, n, ...rest] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(enginePath), {});
const isomer = instance.exports;
const DONE = 2, OUT_OF_FUEL = 5;

// The memory of the engine as it is now: it may have grown since the last look.
const memory = (at, size) => new Uint8Array(isomer.memory.buffer, at, size);

function put(bytes) {
  const at = isomer.isomer_alloc(bytes.length);
  if (at === 0) throw new Error("no memory");
  memory(at, bytes.length).set(bytes);
  return at;
}

function reason() {
  const at = isomer.isomer_error();
  const bytes = new Uint8Array(isomer.memory.buffer, at);
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
}

function must(value) {
  if (value === 0) {
    console.error(reason());
    process.exit(1);
  }
  return value;
}

const module = readFileSync(modulePath);
const at = put(module);
let program;
if (n === "resume") {
  const snapshot = readFileSync(rest[0]);
  program = must(isomer.isomer_restore(at, module.length, put(snapshot), snapshot.length));
} else {
  program = must(isomer.isomer_open(at, module.length));
  const args = new Uint8Array(8);
  new DataView(args.buffer).setUint32(0, Number(n), true);
  must(isomer.isomer_start(program, put(new TextEncoder().encode("run\0")), put(args)));
}
const limited = n !== "resume" && rest.length === 2;
const state = isomer.isomer_run(program, limited ? BigInt(rest[0]) : -1n);
if (state === OUT_OF_FUEL && limited) {
  const snapshot = must(isomer.isomer_save(program));
  writeFileSync(rest[1], memory(snapshot, isomer.isomer_saved_size(program)));
  console.log(`stopped at fuel ${isomer.isomer_fuel_used(program)}`);
} else if (state === DONE) {
  const result = new DataView(isomer.memory.buffer).getBigUint64(isomer.isomer_results(program), true);
  console.log(`${result.toString(16).padStart(16, "0")} fuel ${isomer.isomer_fuel_used(program)}`);
} else {
  console.error(reason());
  process.exit(1);
}
