// A form that calls a function of a running component, made from its OpenAPI document.
import { Problem, request } from "./api.js";
import { el, micros } from "./dom.js";
import { field, form } from "./parts.js";

function resolved(document, schema) {
  let at = schema;
  for (let hops = 0; at?.$ref !== undefined && hops < 16; hops += 1) {
    at = at.$ref
      .replace(/^#\//, "")
      .split("/")
      .reduce((value, part) => value?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], document);
  }
  return at ?? {};
}

// {node, read}: an input for a value of this schema; read() gives the value, undefined for "left out".
function inputFor(document, name, rawSchema, required, example) {
  let schema = resolved(document, rawSchema);
  const choices = schema.oneOf ?? schema.anyOf;
  let nullable = !required;
  if (
    choices !== undefined &&
    choices.some((choice) => resolved(document, choice).type === "null") &&
    choices.length === 2
  ) {
    nullable = true;
    schema = resolved(
      document,
      choices.find((choice) => resolved(document, choice).type !== "null"),
    );
  }
  const hint = schema.description;
  if (Array.isArray(schema.enum)) {
    const select = el(
      "select",
      { name },
      nullable ? el("option", { value: "" }, "– none –") : null,
      schema.enum.map((value) => el("option", { value }, String(value))),
    );
    return { node: field(name, select, hint), read: () => (select.value === "" ? null : select.value) };
  }
  if (schema.type === "boolean") {
    const box = el("input", { type: "checkbox", name });
    return { node: el("label.check", {}, box, ` ${name}`), read: () => box.checked };
  }
  if (schema.type === "integer" || schema.type === "number") {
    const input = el("input", {
      type: "number",
      name,
      min: schema.minimum,
      max: schema.maximum,
      step: schema.type === "integer" ? 1 : "any",
      required: !nullable,
      value: nullable ? "" : String(example ?? schema.minimum ?? 0),
    });
    return { node: field(name, input, hint), read: () => (input.value === "" ? null : Number(input.value)) };
  }
  if (schema.type === "string" && schema.contentEncoding === undefined) {
    const input = el("input", {
      name,
      autocomplete: "off",
      value: nullable ? "" : typeof example === "string" ? example : "",
    });
    return {
      node: field(name, input, hint ?? (nullable ? "Empty: none." : undefined)),
      read: () => (nullable && input.value === "" ? null : input.value),
    };
  }
  if (schema.type === "string" && schema.contentEncoding === "base64") {
    const input = el("textarea", { name, rows: "3", spellcheck: "false", value: example ?? "" });
    return {
      node: field(`${name} (base64)`, input, hint),
      read: () => (nullable && input.value.trim() === "" ? null : input.value.replace(/\s+/g, "")),
    };
  }
  const input = el("textarea", {
    name,
    rows: "4",
    spellcheck: "false",
    value: example === undefined ? "" : JSON.stringify(example, null, 2),
  });
  return {
    node: field(`${name} (JSON)`, input, hint),
    read: () => (input.value.trim() === "" && nullable ? null : parse(name, input.value)),
  };
}

function parse(name, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${error.message}`);
  }
}

function inputsOf(document, operation) {
  const content = resolved(document, operation.requestBody ?? {}).content?.["application/json"];
  const schema = resolved(document, content?.schema);
  return Object.entries(schema.properties ?? {}).map(([name, member]) => [
    name,
    inputFor(document, name, member, (schema.required ?? []).includes(name), content.example?.[name]),
  ]);
}

export function callForm(document, base, path, operation) {
  const inputs = inputsOf(document, operation);
  const result = el("pre.result", { hidden: true, tabindex: "0", role: "region", "aria-label": "Result" }),
    note = el("p.muted", { role: "status" });
  const box = form(
    inputs.map(([, input]) => input.node),
    "Call",
    async () => {
      result.hidden = true;
      note.textContent = "";
      const body = Object.fromEntries(
        inputs.map(([name, input]) => [name, input.read()]).filter(([, value]) => value !== undefined),
      );
      const begin = performance.now();
      try {
        const answer = await request("POST", `${base}${path}`, {
          body: JSON.stringify(body),
          headers: { accept: "application/json" },
        });
        const text = await answer.text();
        note.textContent = `${answer.status === 204 ? "It returned, without a result" : "It returned"} after ${micros((performance.now() - begin) * 1000)}.`;
        result.textContent = text === "" ? "" : JSON.stringify(JSON.parse(text), null, 2);
        result.hidden = text === "";
      } catch (error) {
        if (error instanceof Problem && error.document?.error !== undefined) {
          note.textContent = "The function returned an error:";
          result.textContent = JSON.stringify(error.document.error, null, 2);
          result.hidden = false;
          return;
        }
        throw error;
      }
    },
  );
  return el(
    "section.function",
    {},
    el("h3", {}, el("code", {}, path.slice(1))),
    el("p", {}, operation.description ?? operation.summary ?? ""),
    box,
    note,
    result,
  );
}
