// node_wasi.mjs - runs a WASI preview 1 command in node, for comparison with `isomer run`.
//
// Usage: node node_wasi.mjs [--dir HOST::GUEST]... [--env NAME=VALUE]... FILE.wasm [ARGUMENTS...]
//
// The arguments become the guest's; it gets those folders and that environment, and nothing else.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const words = process.argv.slice(2);
const preopens = {}, env = {};
while (words[0] === '--dir' || words[0] === '--env') {
    const [option, value] = words.splice(0, 2);
    const separator = option === '--dir' ? '::' : '=';
    const at = value.indexOf(separator);
    if (option === '--dir') {
        preopens[value.slice(at + separator.length)] = value.slice(0, at);
    } else {
        env[value.slice(0, at)] = value.slice(at + separator.length);
    }
}
const [path, ...rest] = words;
if (path === undefined) {
    console.error('usage: node node_wasi.mjs [--dir HOST::GUEST]... [--env NAME=VALUE]... FILE.wasm [ARGUMENTS...]');
    process.exit(2);
}
const wasi = new WASI({ version: 'preview1', args: [path, ...rest], env, preopens });
const module = await WebAssembly.compile(await readFile(path));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
