// Lines of two texts: what stays, what goes, what comes (longest common subsequence; manifests are short).
import { el } from "./dom.js";

const LINES_MAX = 2000;

export function difference(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length > LINES_MAX || b.length > LINES_MAX)
    return [...a.map((text) => ["-", text]), ...b.map((text) => ["+", text])];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let k = b.length - 1; k >= 0; k -= 1) {
      common[i][k] = a[i] === b[k] ? common[i + 1][k + 1] + 1 : Math.max(common[i + 1][k], common[i][k + 1]);
    }
  }
  const lines = [];
  for (let i = 0, k = 0; i < a.length || k < b.length;) {
    if (i < a.length && k < b.length && a[i] === b[k]) {
      lines.push([" ", a[i]]);
      i += 1;
      k += 1;
    } else if (k >= b.length || (i < a.length && common[i + 1][k] >= common[i][k + 1])) {
      lines.push(["-", a[i]]);
      i += 1;
    } else {
      lines.push(["+", b[k]]);
      k += 1;
    }
  }
  return lines;
}

export function showDifference(before, after) {
  const lines = difference(before, after);
  if (lines.every(([sign]) => sign === " "))
    return el("p.muted", {}, "The manifests are equal; what differs is where things run.");
  return el(
    "pre.diff",
    { tabindex: "0", role: "region", "aria-label": "Difference of the manifests" },
    lines.map(([sign, text]) =>
      el(`span.line${{ "+": ".added", "-": ".gone", " ": "" }[sign]}`, {}, `${sign} ${text}\n`),
    ),
  );
}
