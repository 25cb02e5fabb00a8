// Validates descriptions: node validate.mjs MODULES thing|openapi FILE...
// MODULES: the node_modules folder with what package.json of this folder names.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, kind, ...files] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "x.js"));
const addFormats = require("ajv-formats");
let failed = 0;

function report(file, what, errors) {
    failed++;
    console.log(`${file}: ${what}: ${JSON.stringify(errors).slice(0, 2000)}`);
}

async function checkThing(file, text) {
    const Ajv = require("ajv");
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    const schema = fs.readFileSync(
        path.join(modules, "wot-thing-description-types/schema/td-json-schema-validation.json"), "utf8");
    const validate = ajv.compile(JSON.parse(schema));
    if (!validate(JSON.parse(text))) report(file, "the W3C schema", validate.errors);
    const { tdValidator } = require("@thing-description-playground/core");
    const result = await tdValidator(text, () => {}, { checkDefaults: true, checkJsonLd: false, checkTmConformance: false });
    for (const part of ["json", "schema", "additional"]) {
        if (result.report[part] !== "passed") report(file, `playground ${part}`, result);
    }
}

// Every example against the schema beside it.
function checkExamples(file, document) {
    const Ajv = require("ajv/dist/2020");
    const ajv = new Ajv({ strict: false });
    addFormats(ajv);
    ajv.addSchema(document, "document");
    let count = 0;
    const walk = (node, pointer) => {
        if (node === null || typeof node !== "object") return;
        if (node.schema && "example" in node) {
            count++;
            if (!ajv.validate({ $ref: `document#${pointer}/schema` }, node.example)) {
                report(file, `the example at ${pointer}`, ajv.errors);
            }
        }
        for (const [key, value] of Object.entries(node)) {
            walk(value, `${pointer}/${encodeURIComponent(key.replace(/~/g, "~0").replace(/\//g, "~1"))}`);
        }
    };
    walk(document, "");
    return count;
}

async function checkOpenapi(file, text) {
    const entry = require.resolve("@seriousme/openapi-schema-validator");
    const { Validator } = await import(pathToFileURL(entry));
    const result = await new Validator().validate(JSON.parse(text));
    if (!result.valid) report(file, "openapi-schema-validator", result.errors);
    if (checkExamples(file, JSON.parse(text)) === 0) report(file, "examples", "there are none");
}

for (const file of files) {
    const text = fs.readFileSync(file, "utf8");
    await (kind === "thing" ? checkThing : checkOpenapi)(file, text);
}
console.log(`${files.length} files, ${failed} failures`);
process.exit(failed || !files.length ? 1 : 0);
