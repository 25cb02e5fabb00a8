// Requests to the orchestrator that serves this page: docs/orchestrator-api.md.

export class Problem extends Error {
  constructor(status, document) {
    super(
      document?.detail ??
        document?.title ??
        (status === 0 ? "The orchestrator does not answer." : `It answered with ${status}.`),
    );
    this.status = status;
    this.mistakes = document?.mistakes ?? [];
    this.document = document;
  }
}

// What a change is told by that only our own pages can send: docs/page.md.
const CHANGE = { "isomer-page": "1" };

export async function request(method, path, { body, type, headers, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body,
      signal,
      credentials: "same-origin",
      headers: {
        ...(method === "GET" ? {} : CHANGE),
        ...(body === undefined ? {} : { "content-type": type ?? "application/json" }),
        ...headers,
      },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, null);
  }
  if (!answer.ok) {
    let document = null;
    try {
      document = await answer.json();
    } catch {
      // an answer without a problem document
    }
    throw new Problem(answer.status, document);
  }
  return answer;
}

export async function get(path, signal) {
  return (await request("GET", path, { signal, headers: { accept: "application/json" } })).json();
}

// Sends a document (undefined: none); the answer's document, null when it has none.
export async function send(method, path, document) {
  const answer = await request(method, path, {
    body: document === undefined ? undefined : JSON.stringify(document),
  });
  const text = await answer.text();
  return text === "" ? null : JSON.parse(text);
}

export const at = (...segments) => `/v1/${segments.map(encodeURIComponent).join("/")}`;

// Server-sent events; call the result to end them.
export function follow(path, onItem, onState = () => {}) {
  const source = new EventSource(path);
  source.addEventListener("open", () => onState(true));
  source.addEventListener("error", () => onState(false));
  source.addEventListener("message", (event) => onItem(JSON.parse(event.data)));
  return () => source.close();
}
