// node_validate.mjs - how long node takes to validate a module: a yardstick for the scenario `load`.
//
// Usage: node node_validate.mjs FILE.wasm ROUNDS
//
// Prints the median of WebAssembly.validate in nanoseconds of processor time, of all threads.
import { readFileSync } from 'node:fs';

const [path, rounds] = process.argv.slice(2);
const bytes = readFileSync(path);
const times = [];
for (let i = 0; i < Number(rounds); i++) {
    const start = process.cpuUsage();
    if (!WebAssembly.validate(bytes)) {
        throw new Error(`node finds ${path} invalid`);
    }
    const used = process.cpuUsage(start);
    times.push((used.user + used.system) * 1000);
}
times.sort((a, b) => a - b);
console.log(times[times.length >> 1]);
