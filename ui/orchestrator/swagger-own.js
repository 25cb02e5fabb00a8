// Swagger UI for the orchestrator's API, or for a component's: /swagger?api=/v1/components/APP/NAME/openapi.json
const box = document.getElementById("api");
const wanted = new URLSearchParams(window.location.search).get("api") ?? "/openapi.json";
const url = new URL(wanted, window.location.origin);

// It has a dark side, but does not look at what the browser prefers.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// What it leaves without a name.
function name() {
  document.getElementById("servers")?.setAttribute("aria-label", "Server");
}

function show() {
  globalThis.SwaggerUIBundle({
    spec: undefined,
    url: url.pathname,
    domNode: box,
    deepLinking: false,
    validatorUrl: null,
    onComplete: name,
    syntaxHighlight: false, // its colours cannot be told from what is behind them
    // Documents name the address of a device; here they are tried through the orchestrator.
    responseInterceptor: (answer) => {
      if (answer.url.endsWith(url.pathname) && url.pathname.startsWith("/v1/components/")) {
        const document = JSON.parse(answer.text);
        document.servers = [{ url: url.pathname.replace(/\/openapi\.json$/, "") }];
        answer.text = JSON.stringify(document);
        answer.data = answer.text;
      }
      return answer;
    },
    requestInterceptor: (request) => {
      request.headers["isomer-page"] = "1";
      return request;
    },
  });
}

if (url.origin !== window.location.origin) {
  box.textContent = "Only APIs of this address are shown.";
} else {
  // Not a module: it looks for its global object in `this`.
  const script = document.createElement("script");
  script.src = "/static/swagger-ui.js";
  script.addEventListener("load", show);
  script.addEventListener("error", () => {
    box.replaceChildren(
      "This orchestrator was built without Swagger UI (npm was not there). The API as a document: ",
    );
    const link = document.createElement("a");
    link.href = url.pathname;
    link.textContent = url.pathname;
    box.append(link);
  });
  document.head.append(script);
}
