// node-wot consumes a device's and a component's Thing Description: consume.cjs MODULES BASE TOKEN ID KEY;
// prints a line for each thing that it got.
"use strict";
const [, , modules, base, token, identity, psk] = process.argv;
const { Servient } = require(`${modules}/@node-wot/core`);
const { HttpClientFactory } = require(`${modules}/@node-wot/binding-http`);
const { CoapsClientFactory } = require(`${modules}/@node-wot/binding-coap`);

function only(td, scheme) {
  // The forms of one protocol, so that it is known which one is used.
  const copy = structuredClone(td);
  // For forms with a security of their own this consumer hands its client a list of credentials instead of
  // one; so the description's own is that of the protocol.
  if (scheme === "coaps") copy.security = ["psk"];
  for (const kind of ["properties", "actions", "events"]) {
    for (const [name, affordance] of Object.entries(copy[kind] ?? {})) {
      affordance.forms = affordance.forms.filter((f) => f.href.startsWith(scheme));
      for (const form of affordance.forms) delete form.security;
      if (affordance.forms.length === 0) delete copy[kind][name];
    }
  }
  return copy;
}

function within(what, promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: nothing came`)), 15000));
  return Promise.race([promise, late]);
}

async function next(thing, kind, name, act) {
  // The first notification after `act`; what comes before is the present value.
  let take;
  let acted = false;
  const came = new Promise((resolve) => { take = resolve; });
  const subscription = await thing[kind](name, async (data) => {
    const value = await data.value();
    if (acted) take(value);
  }, () => {}); // stopping is an error, too
  await new Promise((resolve) => setTimeout(resolve, 500));
  acted = true;
  await act();
  const value = await within(name, came);
  await subscription.stop();
  return value;
}

async function main() {
  const servient = new Servient();
  servient.addClientFactory(new HttpClientFactory());
  servient.addClientFactory(new CoapsClientFactory());
  const device = await (await fetch(`${base}/.well-known/wot`)).json();
  const component = await (await fetch(`${base}/v1/components/test/probe/td`)).json();
  servient.addCredentials({ [device.id]: { token, identity, psk }, [component.id]: { token, identity, psk } });
  const wot = await servient.start();

  const consumedDevice = await wot.consume(only(device, "http"));
  console.log("device", (await (await consumedDevice.readProperty("device")).value()).name);

  const http = await wot.consume(only(component, "http"));
  console.log("http-read", await (await http.readProperty("count")).value());
  console.log("http-invoke", await (await http.invokeAction("add", { a: 20, b: 22 })).value());
  console.log("http-observe", await next(http, "observeProperty", "count",
    () => http.invokeAction("count-up", { by: 3 })));
  console.log("http-event", (await next(http, "subscribeEvent", "emitted",
    () => http.invokeAction("emit", { name: "alarm", payload: "[1]" }))).name);

  const coap = await wot.consume(only(component, "coaps"));
  console.log("coap-read", await (await coap.readProperty("count")).value());
  console.log("coap-invoke", await (await coap.invokeAction("add", { a: 1, b: 2 })).value());
  console.log("coap-observe", await next(coap, "observeProperty", "count",
    () => http.invokeAction("count-up", { by: 4 })));
  console.log("coap-event", (await next(coap, "subscribeEvent", "emitted",
    () => http.invokeAction("emit", { name: "bell", payload: "{}" }))).name);
  process.exit(0);
}

main().catch((error) => { console.log("failed", error.stack); process.exit(1); });
