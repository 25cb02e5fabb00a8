// What node itself says: the export `run` (i32 -> i64) of a module, called with a number.
import { readFileSync } from "node:fs";

const [path, n] = process.argv.slice(2);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
console.log(BigInt.asUintN(64, exports.run(Number(n))).toString(16).padStart(16, "0"));
