// Scales a picture with the JavaScript that came with the module: the same as resize.c.
// usage: node resize.mjs GLUE MODULE PICTURE OUT WIDTH HEIGHT WIDTH2 HEIGHT2 FILTER PREMULTIPLY LINEAR
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [glue, module, picture, out, ...numbers] = process.argv.slice(2);
const { initSync, resize } = await import(pathToFileURL(glue));
initSync(readFileSync(module));
const [width, height, width2, height2, filter, premultiply, linear] = numbers.map(Number);
const scale = () => resize(readFileSync(picture), width, height, width2, height2, filter,
  premultiply !== 0, linear !== 0);
const result = scale();
// Twice, as resize.c does.
if (!Buffer.from(result).equals(Buffer.from(scale()))) {
  throw new Error("the second call differs");
}
writeFileSync(out, result);
