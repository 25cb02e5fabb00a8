// node_wasi.mjs - runs a WASI preview 1 command in node, for comparison with `isomer run`.
//
// Usage: node node_wasi.mjs FILE.wasm [ARGUMENTS...]
//
// The arguments become the guest's; it gets no directory and no environment.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [path, ...rest] = process.argv.slice(2);
if (path === undefined) {
    console.error('usage: node node_wasi.mjs FILE.wasm [ARGUMENTS...]');
    process.exit(2);
}
const wasi = new WASI({ version: 'preview1', args: [path, ...rest], env: {} });
const module = await WebAssembly.compile(await readFile(path));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
