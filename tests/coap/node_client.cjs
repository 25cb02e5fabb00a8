// node-coap against our server: node_client.cjs FOLDER_OF_NODE_MODULES PORT; prints what it got.
"use strict";
const { createHash } = require("node:crypto");
const [, , modules, port] = process.argv;
const coap = require(`${modules}/coap`);

function request(options, payload) {
  return new Promise((resolve, reject) => {
    const out = coap.request({ host: "127.0.0.1", port: Number(port), ...options });
    out.on("response", resolve);
    out.on("error", reject);
    out.end(payload);
  });
}

async function main() {
  const hello = await request({ pathname: "/hello" });
  console.log("get", hello.code, hello.payload.toString());
  const echo = await request({ pathname: "/echo", method: "POST", options: { "Content-Format": "application/json" } },
    Buffer.from('{"a":1}'));
  console.log("post", echo.code, echo.payload.toString(), echo.headers["Content-Format"]);
  const later = await request({ pathname: "/later" });
  console.log("later", later.code, later.payload.toString());
  const large = await request({ pathname: "/large" });
  console.log("large", large.code, large.payload.length, createHash("sha256").update(large.payload).digest("hex"));
  const sum = await request({ pathname: "/sum", method: "POST" }, Buffer.alloc(1000, 7));
  console.log("sum", sum.code, sum.payload.toString());
  const nothing = await request({ pathname: "/nothing" });
  console.log("nothing", nothing.code, nothing.payload.toString());
  const seen = [];
  const value = await request({ pathname: "/value", observe: true });
  await new Promise((resolve) => {
    value.on("data", (bytes) => {
      seen.push(bytes.toString());
      if (seen.length === 5) {
        resolve();
      }
    });
  });
  value.close();
  console.log("observe", seen.every((text) => /^value \d+$/.test(text)), new Set(seen).size);
  process.exit(0);
}

main().catch((error) => {
  console.log("error", error.message);
  process.exit(1);
});
