// A form that calls a function of a running component, made from its OpenAPI document.
import { Problem, request } from "./api.js";
import { count, el, micros, table } from "./dom.js";
import { field, form } from "./parts.js";
import { markOwn } from "./patch.js";

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

// ---- How it ended ----

// The backtrace of a trap, innermost first, with what the module's file has there.
function trapView(trap) {
  const frames = trap.backtrace ?? [];
  const rows = frames.map((frame, i) => [
    String(i),
    el("code", {}, frame.function ?? `func ${frame.index}`),
    String(frame.index),
    `0x${frame.offset.toString(16)}`,
  ]);
  return [
    el(
      "p.error",
      {},
      "Trap: ",
      el("strong", {}, trap.message),
      ", in ",
      el("code", {}, trap.function),
      " of ",
      el("code", {}, trap.component),
    ),
    table("Backtrace", ["", "Function", "Index", "Offset in the module"], rows, "There is no backtrace."),
    trap["left-out"] > 0
      ? el("p.muted", {}, `${count(trap["left-out"])} more frames, in the middle, are left out.`)
      : null,
    el(
      "p.muted",
      {},
      trap.message === "unreachable" ? "So ends a failed assertion, a panic or abort(). " : "",
      "The next call gets a fresh instance; what a service kept in its memory is gone.",
    ),
  ];
}

// What to do about it, by the type of the problem.
const HINTS = {
  "queue-full": "Too many calls wait. Try again in a moment.",
  limit: "That is a limit of the component; the manifest can raise it, under “limits”.",
  moved: "It is being moved. Try again in a moment.",
  gone: "It is being removed.",
  "not-found": "It does not run now, or has no such function any more.",
  unreachable: "It was not executed. The device's page says how the device is.",
  unknown: "It was perhaps executed. Look before you repeat it.",
  "would-deadlock": "It is among the callers of this call.",
};

function failure(error) {
  const document = error.document ?? {},
    kind = (document.type ?? "").replace("urn:isomer:problem:", "");
  if (document.error !== undefined)
    return [
      el("p.error", {}, "The function returned an error:"),
      el(
        "pre",
        { tabindex: "0", role: "region", "aria-label": "Error" },
        JSON.stringify(document.error, null, 2),
      ),
    ];
  return [
    document.trap === undefined ? el("p.error", {}, error.message) : trapView(document.trap),
    HINTS[kind] === undefined ? null : el("p.muted", {}, HINTS[kind]),
  ];
}

function success(answer, us) {
  const nothing = answer.text === "";
  return [
    el("p.muted", {}, `${nothing ? "It returned, without a result," : "It returned"} after ${micros(us)}.`),
    nothing
      ? null
      : el(
          "pre.result",
          { tabindex: "0", role: "region", "aria-label": "Result" },
          JSON.stringify(JSON.parse(answer.text), null, 2),
        ),
  ];
}

// isOpen: at first; functions of a component that has many can be opened one by one.
export function callForm(document, base, path, operation, isOpen) {
  const inputs = inputsOf(document, operation);
  const outcome = el("div.outcome", { role: "status" });
  const show = (nodes) => outcome.replaceChildren(...nodes.flat().filter((node) => node !== null));
  const box = form(
    inputs.map(([, input]) => input.node),
    "Call",
    async () => {
      outcome.replaceChildren();
      const body = Object.fromEntries(
        inputs.map(([name, input]) => [name, input.read()]).filter(([, value]) => value !== undefined),
      );
      const begin = performance.now();
      try {
        const answer = await request("POST", `${base}${path}`, {
          body: JSON.stringify(body),
          headers: { accept: "application/json" },
        });
        show(success(answer, (performance.now() - begin) * 1000));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        show(failure(error));
      }
    },
  );
  const about = operation.description ?? operation.summary ?? "";
  return markOwn(
    el(
      "details.function",
      { open: isOpen },
      el("summary", {}, el("code", {}, path.slice(1)), " ", el("span.muted", {}, about)),
      box,
      outcome,
    ),
  );
}
