// node_bench.mjs - runs a kernel in node and prints its time and checksum.
//
// Usage: node [--liftoff-only] node_bench.mjs FILE.wasm N
//
// Prints the line that every driver of the bench prints: nanoseconds of the call
// of run(N), a space, the checksum in 16 hexadecimal digits. Compilation is not
// part of the time; tiering up during the call is. It is the time on the wall: the compilers that tier
// up run in threads of their own.
import { readFileSync } from 'node:fs';

const [path, n] = process.argv.slice(2);
if (n === undefined) {
    console.error('usage: node node_bench.mjs FILE.wasm N');
    process.exit(2);
}
const { instance } = await WebAssembly.instantiate(readFileSync(path), {});
const start = process.hrtime.bigint();
const sum = instance.exports.run(Number(n));
const end = process.hrtime.bigint();
console.log(`${end - start} ${BigInt.asUintN(64, sum).toString(16).padStart(16, '0')}`);
