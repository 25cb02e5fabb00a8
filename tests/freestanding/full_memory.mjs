// full_memory.mjs ISOMER.WASM: asks isomer.wasm for all that a memory of 4 GiB has left, and then for
// two small blocks. Prints `kept` when what is handed out does not overlap.
import { readFileSync } from "node:fs";

const PAGE = 65536, PAGES_MAX = 65536, SMALL = 1024;
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { memory, isomer_alloc } = instance.exports;
isomer_alloc(SMALL); // makes the heap

// It grows by two pages more than it needs: this would be up to the last.
const rest = PAGES_MAX - memory.buffer.byteLength / PAGE - 2;
const blocks = [[isomer_alloc(rest * PAGE) >>> 0, rest * PAGE]];
for (let i = 0; i < 2; i++) blocks.push([isomer_alloc(SMALL) >>> 0, SMALL]);

const given = blocks.filter(([at]) => at !== 0).sort(([a], [b]) => a - b);
const overlap = given.some(([at], i) => i > 0 && at < given[i - 1][0] + given[i - 1][1]);
console.log(overlap || given.length < 2 ? `overlap: ${JSON.stringify(blocks)}` : "kept");
