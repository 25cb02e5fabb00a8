// Packages: what is kept, what it can do, and where more comes from.
import { at, get, request, send } from "./api.js";
import { bytes, el, facts, link, panel, renew, shortDigest, shortReference, table, when } from "./dom.js";
import { mayOperate, site } from "./live.js";
import { act, asked, changeButton, confirmed, dialog, field, form, toast } from "./parts.js";
import { witView } from "./wit.js";

const EVERY_MS = 5000;

const called = (item) =>
  item.reference.startsWith("sha256:")
    ? `${item.name ?? "module"} ${shortDigest(item.digest)}`
    : shortReference(item.reference);

// ---- Adding ----

export async function upload(file, name, version) {
  const query = name === "" ? "" : `?name=${encodeURIComponent(name)}&version=${encodeURIComponent(version)}`;
  const answer = await request("POST", `/v1/packages${query}`, {
    body: await file.arrayBuffer(),
    type: "application/wasm",
  });
  return JSON.parse(answer.text);
}

function uploading(done) {
  const file = el("input", { type: "file", accept: ".wasm,application/wasm", required: true });
  const name = el("input", { autocomplete: "off", placeholder: "camera" }),
    version = el("input", { autocomplete: "off", placeholder: "1.0.0" });
  dialog("Upload a module", (close) =>
    form(
      [
        field("Module (.wasm)", file),
        field("Name", name, "Empty: kept by its digest only."),
        field("Version", version),
      ],
      "Upload",
      async () => {
        const kept = await upload(file.files[0], name.value.trim(), version.value.trim());
        close();
        toast(`Kept as ${kept.reference}`, "good");
        done();
      },
    ),
  );
}

function fetching(done) {
  const reference = el("input", {
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "npm:name@version/path, oci:alias/name:tag, https://…#sha256:…",
  });
  dialog("Fetch a package", (close) =>
    form([field("Reference", reference)], "Fetch", async () => {
      const kept = await send("POST", "/v1/packages/fetch", { reference: reference.value.trim() });
      close();
      toast(`Fetched ${kept.reference}`, "good");
      done();
    }),
  );
}

function registry(done) {
  const [alias, url, user, password] = ["lab", "https://registry.example", "", ""].map((placeholder) =>
    el("input", { placeholder, autocomplete: "off" }),
  );
  password.type = "password";
  dialog("Add a registry", (close) =>
    form(
      [
        field("Alias", alias, "References name it: oci:ALIAS/name:tag"),
        field("Address", url),
        field("User", user),
        field("Password", password),
      ],
      "Add",
      async () => {
        const body = { url: url.value.trim() };
        if (user.value !== "") Object.assign(body, { username: user.value, password: password.value });
        await send("PUT", at("registries", alias.value.trim()), body);
        close();
        done();
      },
    ),
  );
}

// The id in a public key of minisign, as minisign writes it: the 8 bytes after the algorithm, the last one first.
function keyId(text) {
  const line = text
    .trim()
    .split("\n")
    .map((one) => one.trim())
    .find((one) => /^RW[A-Za-z0-9+/]{54}$/.test(one));
  if (line === undefined)
    throw new Error("A public key of minisign is a line of 56 characters that begins with RW.");
  const id = [...atob(line)].slice(2, 10).reverse();
  const hex = id.map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return { id: hex.toUpperCase(), key: line };
}

function trusting(done) {
  const comment = el("input", { autocomplete: "off", placeholder: "the builds of the lab" });
  const text = el("textarea", { rows: "3", required: true, spellcheck: "false", placeholder: "RW…" });
  dialog("Trust a key", (close) =>
    form(
      [
        el("p", {}, "As soon as one key is trusted, unsigned packages are refused."),
        field("Public key of minisign", text, "The line that begins with RW, or the whole file NAME.pub."),
        field("Whose it is", comment),
      ],
      "Trust",
      async () => {
        const { id, key } = keyId(text.value);
        const body = comment.value.trim() === "" ? { key } : { key, comment: comment.value.trim() };
        await send("PUT", at("trust", id), body);
        close();
        done();
      },
    ),
  );
}

// ---- All ----

export function showPackages(main) {
  const list = el("div", {}),
    registries = el("div", {}),
    trust = el("div", {});
  main.append(
    el(
      "div.title",
      {},
      el("h1", {}, "Packages"),
      el(
        "div.actions",
        {},
        changeButton("Upload…", () => uploading(again)),
        changeButton("Fetch…", () => fetching(again)),
      ),
    ),
    el("section.panel", { "aria-label": "Packages" }, list),
    el(
      "div.columns",
      {},
      panel(
        "Registries",
        registries,
        changeButton("Add a registry…", () => registry(again)),
      ),
      panel(
        "Trusted keys",
        trust,
        changeButton("Trust a key…", () => trusting(again)),
      ),
    ),
  );
  const ask = (path) => (signal) => get(path, { signal });
  const parts = [
    asked(list, ask("/v1/packages"), packageTable, { everyMs: EVERY_MS }),
    asked(registries, ask("/v1/registries"), (known) => registryTable(known, again), { everyMs: EVERY_MS }),
    asked(trust, ask("/v1/trust"), (keys) => keyTable(keys, again), { everyMs: EVERY_MS }),
  ];
  const again = () => parts.forEach((part) => part.again());
  return () => {};
}

const packageTable = (packages) =>
  table(
    "Packages",
    ["Package", "Interface", "Version", "Licence", "Size", "Signed by", "Since"],
    packages.map((item) => [
      link(`packages/${encodeURIComponent(item.reference)}`, called(item)),
      [item.name ?? "", item.description ? el("small.muted", {}, ` ${item.description}`) : null],
      item.version ?? "",
      item.licence ?? "",
      bytes(item["size-bytes"]),
      item.signer ?? "",
      when(item["added-ms"]),
    ]),
    "None yet: they come with what is deployed, or by Upload and Fetch.",
  );

const registryTable = (known, again) =>
  table(
    "Registries",
    ["Alias", "Address", ""],
    known.map((item) => [
      item.alias,
      item.url,
      changeButton("Remove", () => act(() => send("DELETE", at("registries", item.alias))).then(again), "", {
        "aria-label": `Remove the registry ${item.alias}`,
      }),
    ]),
    "None: oci: references have no registry to come from.",
  );

const keyTable = (keys, again) =>
  table(
    "Trusted keys",
    ["Key", "Whose it is", ""],
    keys.map((item) => [
      item.id ?? item.key,
      item.comment ?? "",
      changeButton("Remove", () => act(() => send("DELETE", at("trust", item.id))).then(again), "", {
        "aria-label": `Remove the key ${item.id}`,
      }),
    ]),
    "None: packages need no signature.",
  );

// ---- One ----

function users(item) {
  return [...site.apps.values()].flatMap((app) =>
    app.components
      .filter((component) => component.digest === item.digest)
      .map((component) =>
        el("span.tag", {}, link(`components/${app.app}/${component.name}`, `${app.app}/${component.name}`)),
      ),
  );
}

function packageTitle(reference, item) {
  return [
    el("h1", {}, called({ ...item, name: item.info?.name })),
    el(
      "div.actions",
      {},
      changeButton(
        "Remove…",
        () =>
          confirmed(
            `Remove ${reference}`,
            "Its bytes are given up when nothing else uses them.",
            "Remove",
            () =>
              act(async () => {
                await send("DELETE", at("packages", reference));
                window.location.hash = "/packages";
              }, `${reference} was removed`),
          ),
        "danger",
      ),
    ),
  ];
}

function packagePanels(item) {
  const info = item.info ?? {};
  return [
    el(
      "div.columns",
      {},
      panel(
        "Package",
        facts(
          ["Interface", info.name],
          ["Version", info.version],
          ["Description", info.description],
          ["Licence", info.licence],
          ["Source", info.source],
          ["Digest", el("code", {}, item.digest)],
          ["Resolved to", item.exact === item.reference ? null : item.exact],
          ["Size", bytes(item["size-bytes"])],
          ["Memory at the start", bytes(info["memory-bytes"])],
          ["Calling convention", info.abi ?? "canonical"],
          ["Signed by", item.signer],
          ["Since", when(item["added-ms"])],
        ),
      ),
      panel(
        "Needs",
        table(
          "Imports",
          ["Import", "Kind"],
          (info.imports ?? []).map((need) => [
            el("code", {}, need.module),
            { interface: "interface", wasi: "WASI", other: "host function" }[need.kind] ?? need.kind,
          ]),
          "Nothing.",
        ),
        el(
          "p",
          {},
          "Of the engine: ",
          (info.features ?? []).map((text) => el("span.tag", {}, text)),
        ),
        users(item).length === 0
          ? null
          : el("p", {}, "Runs as ", users(item), "– its functions can be called there."),
      ),
    ),
    panel("Interface", witView(info.wit ?? "")),
  ];
}

export function showPackage(main, reference) {
  const title = el(
      "div.title",
      {},
      el("h1", {}, reference.startsWith("sha256:") ? shortDigest(reference) : reference),
    ),
    body = el("div", {});
  main.append(title, body);
  const part = asked(body, (signal) => get(at("packages", reference), { signal }), packagePanels);
  return () => {
    if (part.at !== 0)
      renew(title, [part.value.digest, mayOperate()], () => packageTitle(reference, part.value));
  };
}
