// node calls.mjs FOLDER: calls every function of the component in FOLDER/js with the arguments of
// FOLDER/values.mjs; each must give them back.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inspect, isDeepStrictEqual } from "node:util";

const folder = path.resolve(process.argv[2]);
const load = file => import(pathToFileURL(path.join(folder, file)));
const values = (await load("values.mjs")).default;
const { results } = await load("../host.mjs");
for (const [name, { result }] of Object.entries(values)) {
    if (result && name.startsWith("echo")) results.add(name);
}
const { calls } = await load("js/echo.js");

// A missing member is the same as an undefined one. jco's TextDecoder drops a leading U+FEFF, in each
// crossing one.
function plain(value) {
    if (typeof value === "string") return value.replace(/^\uFEFF+/, "");
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, plain(v)]));
}

function call(name, result, args) {
    if (!result) return calls[name](...args);
    try {
        return { tag: "ok", val: calls[name](...args) };
    } catch (error) {
        if (!("payload" in error)) throw error;
        return { tag: "err", val: error.payload };
    }
}

let count = 0;
for (const [name, { result, cases }] of Object.entries(values)) {
    for (const args of cases) {
        const got = call(name, result, args);
        const expected = args.length === 1 ? args[0] : args;
        if (!isDeepStrictEqual(plain(got), plain(expected))) {
            console.log(`${name}: expected ${inspect(expected, { depth: 9 })}, got ${inspect(got, { depth: 9 })}`);
            process.exit(1);
        }
        count++;
    }
}
console.log(`${count} calls`);
