// WIT text as documentation. Reads what the orchestrator prints (it is valid); what it does not know it leaves out.
import { el } from "./dom.js";

const TOKEN =
  /\/\/\/[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|->|[%A-Za-z0-9_.@/-]+(?::[%A-Za-z0-9_.@/-]+)*|[{}()<>,;:=*]|\S/g;

// A list of {kind, name, docs, text, items}: packages and interfaces have items.
export function readWit(text) {
  const tokens = (text.match(TOKEN) ?? []).filter(
    (token) => !(token.startsWith("//") && !token.startsWith("///")) && !token.startsWith("/*"),
  );
  let at = 0;

  function docs() {
    const lines = [];
    while (at < tokens.length && tokens[at].startsWith("///")) {
      lines.push(tokens[at].slice(3).trim());
      at += 1;
    }
    return lines.join(" ");
  }

  // Up to ; or the { } that belongs to it, as words.
  function rest(end) {
    const words = [];
    let depth = 0;
    for (; at < tokens.length; at += 1) {
      const token = tokens[at];
      if (depth === 0 && (token === ";" || (end === "{" && token === "{"))) break;
      if ("({<".includes(token)) depth += 1;
      if (")}>".includes(token)) depth -= 1;
      words.push(token);
      if (depth === 0 && token === "}") {
        at += 1;
        return words;
      }
    }
    if (tokens[at] === ";") at += 1;
    return words;
  }

  function item(about) {
    const word = tokens[at];
    const kind = { package: "package", interface: "interface", world: "world" }[word];
    if (kind !== undefined) {
      at += 1;
      const name = rest("{").join("");
      const items = [];
      if (tokens[at] === "{" && tokens[at - 1] !== ";") {
        at += 1;
        list(items);
      }
      return { kind, name, docs: about, items };
    }
    if (
      [
        "record",
        "variant",
        "enum",
        "flags",
        "type",
        "use",
        "import",
        "export",
        "include",
        "resource",
      ].includes(word)
    ) {
      at += 1;
      const words = rest("");
      return { kind: word, name: words[0], docs: about, words };
    }
    const name = word;
    at += 1;
    return { kind: "func", name, docs: about, words: rest("") };
  }

  function list(items) {
    while (at < tokens.length && tokens[at] !== "}") {
      const about = docs();
      if (at < tokens.length && tokens[at] !== "}") items.push(item(about));
    }
    at += 1;
  }

  const items = [];
  while (at < tokens.length) list(items);
  return items;
}

const join = (words) =>
  words
    .filter((word) => !word.startsWith("///"))
    .join(" ")
    .replace(/ ?([<>(),:]) ?/g, "$1")
    .replace(/([,:])/g, "$1 ")
    .replace(/->/g, " → ")
    .replace(/ +/g, " ")
    .trim();

// "name: type" pairs at the top level of words between brackets.
function pairs(words) {
  const found = [];
  let depth = 0,
    one = [],
    about = [];
  const end = () => {
    if (one.length !== 0) {
      const colon = one.indexOf(":");
      found.push({
        name: one[0],
        type: colon < 0 ? join(one.slice(1)) : join(one.slice(colon + 1)),
        docs: about.join(" "),
      });
    }
    one = [];
    about = [];
  };
  for (const word of words) {
    if (word.startsWith("///")) about.push(word.slice(3).trim());
    else if (word === "," && depth === 0) end();
    else {
      if ("(<{".includes(word)) depth += 1;
      if (")>}".includes(word)) depth -= 1;
      one.push(word);
    }
  }
  end();
  return found;
}

function members(list) {
  return list.length === 0
    ? null
    : el(
        "dl.members",
        {},
        list.map((member) => [
          el("dt", {}, el("code", {}, member.name)),
          el("dd", {}, el("code.type", {}, member.type), member.docs === "" ? null : ` ${member.docs}`),
        ]),
      );
}

function showFunction(item) {
  const words = item.words.slice(item.words.indexOf("func") + 1);
  const close = matching(words, 0);
  const result = words[close + 1] === "->" ? join(words.slice(close + 2)) : "";
  return el(
    "section.function",
    {},
    el("h4", {}, el("code", {}, item.name)),
    item.docs === "" ? null : el("p", {}, item.docs),
    members(pairs(words.slice(1, close))),
    result === "" ? null : el("p.returns", {}, "gives ", el("code.type", {}, result)),
  );
}

function matching(words, from) {
  let depth = 0;
  for (let i = from; i < words.length; i += 1) {
    if (words[i] === "(") depth += 1;
    if (words[i] === ")") depth -= 1;
    if (depth === 0) return i;
  }
  return words.length;
}

function showItem(item) {
  switch (item.kind) {
    case "func":
      return showFunction(item);
    case "record":
    case "variant":
    case "enum":
    case "flags":
      return el(
        "section.type-of",
        {},
        el("h4", {}, el("span.muted", {}, `${item.kind} `), el("code", {}, item.name)),
        item.docs === "" ? null : el("p", {}, item.docs),
        members(pairs(item.words.slice(2, -1))),
      );
    case "type":
      return el(
        "section.type-of",
        {},
        el("h4", {}, el("span.muted", {}, "type "), el("code", {}, item.name)),
        el("p", {}, el("code.type", {}, join(item.words.slice(2)))),
      );
    case "interface":
      return el(
        "section.interface",
        {},
        el("h3", {}, el("span.muted", {}, "interface "), item.name),
        item.docs === "" ? null : el("p", {}, item.docs),
        item.items.filter((part) => part.kind !== "use").map((part) => showItem(part)),
      );
    case "world":
      return el(
        "section.interface",
        {},
        el("h3", {}, el("span.muted", {}, "world "), item.name),
        item.docs === "" ? null : el("p", {}, item.docs),
        el(
          "ul.ports",
          {},
          item.items.map((part) =>
            el(
              "li",
              {},
              el(
                "span.tag",
                {},
                part.kind === "import" ? "needs" : part.kind === "export" ? "offers" : part.kind,
              ),
              " ",
              el("code", {}, join(part.words ?? [part.name])),
              part.docs === "" ? null : ` – ${part.docs}`,
            ),
          ),
        ),
      );
    default:
      return null;
  }
}

// The package's own interfaces in full; those of others that it needs folded away.
export function witView(text) {
  const box = el("div.wit", {});
  let own = true;
  for (const item of readWit(text)) {
    if (item.kind === "package" && item.items.length !== 0) {
      own = false;
      box.append(
        el(
          "details",
          {},
          el("summary", {}, `From ${item.name}`),
          item.docs === "" ? null : el("p", {}, item.docs),
          item.items.map((part) => showItem(part)).filter(Boolean),
        ),
      );
    } else if (item.kind === "package") {
      if (item.docs !== "") box.append(el("p", {}, item.docs));
    } else {
      const shown = showItem(item);
      if (shown !== null && own) box.append(shown);
    }
  }
  box.append(
    el(
      "details",
      {},
      el("summary", {}, "As WIT"),
      el("pre.source", { tabindex: "0", role: "region", "aria-label": "WIT text" }, text),
    ),
  );
  return box;
}
