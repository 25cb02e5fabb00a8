// Makes what is shown like what it should be with as few changes as possible, so that focus, selection, scrolling and
// what is under the pointer stay when figures change.

// What is done on an event, which may become another thing without the element's being exchanged: who has pressed on it
// would not get to release it.
const handlers = new WeakMap(); // element -> {event: what is done}

export function listen(node, event, doing) {
  if (!handlers.has(node)) handlers.set(node, {});
  const known = handlers.get(node);
  if (!(event in known)) node.addEventListener(event, (happened) => known[event]?.(happened));
  known[event] = doing;
}

function patchHandlers(old, fresh) {
  const wanted = handlers.get(fresh) ?? {};
  for (const event of Object.keys(handlers.get(old) ?? {}))
    if (!(event in wanted)) listen(old, event, undefined);
  for (const [event, doing] of Object.entries(wanted)) listen(old, event, doing);
}

// Elements that somebody keeps hold of to change them later are exchanged as a whole.
const own = new WeakSet();
export function markOwn(node) {
  own.add(node);
  return node;
}

const KEPT_AS_A_WHOLE = new Set(["INPUT", "TEXTAREA", "SELECT", "IMG", "DIALOG"]);

function isAlike(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  return !own.has(old) && !own.has(fresh) && !KEPT_AS_A_WHOLE.has(old.nodeName);
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS"))
      old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS"))
      old.setAttribute(name, value);
  if (old.nodeName === "METER") old.value = fresh.value;
}

function patchNode(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  patchAttributes(old, fresh);
  patchHandlers(old, fresh);
  patchChildren(old, [...fresh.childNodes]);
}

// Children with the same data-row are the same row, wherever they stand.
function patchChildren(parent, wanted) {
  const rows = new Map(
    [...parent.children].filter((node) => node.dataset.row).map((node) => [node.dataset.row, node]),
  );
  let at = parent.firstChild;
  for (const fresh of wanted) {
    const row = fresh.dataset?.row === undefined ? undefined : rows.get(fresh.dataset.row);
    if (row !== undefined && row !== at) {
      parent.insertBefore(row, at);
      at = row;
    }
    const isOther = row === undefined && (at?.dataset?.row !== undefined || fresh.dataset?.row !== undefined);
    if (at !== null && !isOther && isAlike(at, fresh)) {
      patchNode(at, fresh);
      at = at.nextSibling;
    } else if (at !== null && !isOther) {
      const next = at.nextSibling;
      at.replaceWith(fresh);
      at = next;
    } else {
      parent.insertBefore(fresh, at);
    }
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Where a node is, by what it is called and by its place.
function pathTo(box, node) {
  const path = [];
  for (let at = node; at !== box; at = at.parentNode) path.unshift([...at.parentNode.children].indexOf(at));
  return path;
}

const nameOf = (node) => node.dataset.focus ?? node.getAttribute("aria-label") ?? node.textContent;

export function patch(box, wanted) {
  const focused =
    box !== document.activeElement && box.contains(document.activeElement) ? document.activeElement : null;
  const path = focused === null ? null : pathTo(box, focused),
    name = focused === null ? "" : nameOf(focused);
  patchChildren(box, wanted);
  if (focused === null || document.activeElement === focused) return;
  const there = path.reduce((node, i) => node?.children[i], box);
  const like = [focused, there, ...box.querySelectorAll(focused.localName)].find(
    (node) => node?.isConnected && node.localName === focused.localName && nameOf(node) === name,
  );
  like?.focus({ preventScroll: true });
}
