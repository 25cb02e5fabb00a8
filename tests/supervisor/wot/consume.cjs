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

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function next(thing, kind, name, wanted, act) {
  // The first notification that is wanted. Nobody says when a subscription has arrived, and what happens before that is
  // not told: `act` is repeated for as long as nothing comes.
  let taken;
  const came = new Promise((resolve) => {
    taken = async (data) => {
      const value = await data.value();
      if (wanted(value)) resolve({ value });
    };
  });
  const subscription = await thing[kind](name, taken, () => {}); // stopping is an error, too
  await sleep(500);
  let found;
  for (let tries = 0; !found && tries < 60; tries++) {
    await act();
    found = await Promise.race([came, sleep(1000)]);
  }
  await subscription.stop();
  if (!found) throw new Error(`${name}: nothing came`);
  return found.value;
}

async function observed(thing, invoke, from, by) {
  // What a property is when it has been changed: to and fro until that is told.
  let value = from;
  const change = async () => {
    value = value === from ? from + by : from;
    await invoke("count-up", { by: value === from ? 2 ** 32 - by : by });
  };
  const told = await next(thing, "observeProperty", "count", (seen) => seen === from + by, change);
  if (value === from) await change();
  return told;
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
  const invoke = (action, input) => http.invokeAction(action, input);
  console.log("http-observe", await observed(http, invoke, 0, 3));
  console.log("http-event", (await next(http, "subscribeEvent", "emitted",
    (event) => event?.name === "alarm", () => invoke("emit", { name: "alarm", payload: "[1]" }))).name);

  const coap = await wot.consume(only(component, "coaps"));
  console.log("coap-read", await (await coap.readProperty("count")).value());
  console.log("coap-invoke", await (await coap.invokeAction("add", { a: 1, b: 2 })).value());
  console.log("coap-observe", await observed(coap, invoke, 3, 4));
  console.log("coap-event", (await next(coap, "subscribeEvent", "emitted",
    (event) => event?.name === "bell", () => invoke("emit", { name: "bell", payload: "{}" }))).name);
  process.exit(0);
}

main().catch((error) => { console.log("failed", error.stack); process.exit(1); });
