// components.mjs: calls the example modules as components, with what jco made of them, and compares
// with what `isomer call` answered.
//
// usage: node components.mjs CASES.json
//
// CASES: a list of {script, interface, name, params, arguments, answer}; arguments and answer are JSON
// as isomer has it. jco has other JavaScript for some types: converted here, by the names of the
// examples' fields. The last line is `N calls, N failed`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";

const BYTES = new Set(["key", "nonce", "context", "message", "sealed", "pixels", "pictures"]);
const BIG = new Set(["time", "number"]); // u64

function toComponent(value, field) {
  if (value === null || value === undefined) return undefined;
  if (BYTES.has(field) && typeof value === "string") return new Uint8Array(Buffer.from(value, "base64"));
  if (BIG.has(field)) return BigInt(value);
  if (Array.isArray(value)) {
    if (field === "steps") {
      return value.map((step) => {
        const [tag, val] = Object.entries(step)[0];
        return { tag, val: toComponent(val, tag) };
      });
    }
    return value.map((item) => toComponent(item, field));
  }
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toComponent(item, name)]));
}

function fromComponent(value) {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return BigInt(Number(value)) === value ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(fromComponent);
  if (typeof value !== "object" || value === null) return value;
  if ("tag" in value) return { [value.tag]: fromComponent(value.val) };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fromComponent(item)]));
}

// A confidence is an f32: JSON has fewer of its digits than JavaScript.
function rounded(value) {
  return JSON.parse(JSON.stringify(value), (name, item) =>
    name === "confidence" ? Math.fround(item) : item);
}

function answerOf(call, throws) {
  try {
    const result = fromComponent(call());
    return throws ? { ok: result } : result;
  } catch (error) {
    if (!("payload" in error)) throw error;
    return { error: fromComponent(error.payload) };
  }
}

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
let failed = 0;
for (const item of cases) {
  const component = await import(pathToFileURL(item.script).href);
  const name = item.name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  const values = item.params.map((param) => toComponent(item.arguments[param], param));
  const throws = item.answer !== null && typeof item.answer === "object" &&
    ("ok" in item.answer || "error" in item.answer);
  const answer = answerOf(() => component[item.interface][name](...values), throws);
  if (!isDeepStrictEqual(rounded(answer), rounded(item.answer))) {
    failed++;
    console.log(`${item.name}: ${JSON.stringify(answer).slice(0, 300)}`);
    console.log(`  expected ${JSON.stringify(item.answer).slice(0, 300)}`);
  }
}
console.log(`${cases.length} calls, ${failed} failed`);
process.exitCode = failed === 0 && cases.length !== 0 ? 0 : 1;
