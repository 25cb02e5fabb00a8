// Requests to the orchestrator that serves this page: docs/orchestrator-api.md.

export class Problem extends Error {
  constructor(status, document) {
    super(
      document?.detail ??
        document?.title ??
        (status === 0 ? "The orchestrator does not answer" : `The orchestrator answered with ${status}`),
    );
    this.status = status;
    this.mistakes = document?.mistakes ?? [];
    this.document = document;
  }
}

// What a change is told by that only our own pages can send: docs/page.md.
const CHANGE = { "isomer-page": "1" };

// A change whose answer is lost.
const UNKNOWN = {
  detail: "The orchestrator does not answer: perhaps it was done, perhaps not. Look before you repeat it",
};

// An answer that has not come after so long does not come; changes may take as long as they take.
const WAIT_MS = 20000;

// waitMs: for the answer; 0: as long as it takes. What failed has status 0 when there was no answer at all.
export async function request(method, path, { body, type, headers, signal, waitMs = 0 } = {}) {
  const limit = new AbortController(),
    late = new DOMException(`No answer after ${waitMs / 1000} s`, "TimeoutError");
  const timer = waitMs === 0 ? 0 : setTimeout(() => limit.abort(late), waitMs);
  const stop = () => limit.abort(signal.reason);
  signal?.addEventListener("abort", stop);
  try {
    const answer = await fetch(path, {
      method,
      body,
      signal: limit.signal,
      credentials: "same-origin",
      headers: {
        ...(method === "GET" ? {} : CHANGE),
        ...(body === undefined ? {} : { "content-type": type ?? "application/json" }),
        ...headers,
      },
    });
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
    throw new Problem(0, method === "GET" ? { detail: error === late ? late.message : undefined } : UNKNOWN);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

export async function get(path, { signal, waitMs = WAIT_MS } = {}) {
  const answer = await request("GET", path, { signal, waitMs, headers: { accept: "application/json" } });
  return JSON.parse(answer.text);
}

// Sends a document (undefined: none); the answer's document, null when it has none.
export async function send(method, path, document) {
  const { text } = await request(method, path, {
    body: document === undefined ? undefined : JSON.stringify(document),
  });
  return text === "" ? null : JSON.parse(text);
}

export const at = (...segments) => `/v1/${segments.map(encodeURIComponent).join("/")}`;
