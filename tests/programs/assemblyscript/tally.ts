// A guest in AssemblyScript with its WASI shim: arguments, environment, console, maps, sorting, number
// formatting, garbage collection, random values and time. usage: tally [ARGUMENT...]

class Account {
  constructor(public name: string, public balance: f64) {}
}

function fibonacci(n: i32): u64 {
  let a: u64 = 0;
  let b: u64 = 1;
  for (let i = 0; i < n; i++) {
    const next = a + b;
    a = b;
    b = next;
  }
  return a;
}

function churn(rounds: i32): i32 {
  // Garbage: strings and arrays that the collector has to take back.
  let kept = 0;
  for (let i = 0; i < rounds; i++) {
    const parts = new Array<string>();
    for (let j = 0; j < 20; j++) parts.push((i * j).toString());
    kept += parts.join(",").length;
  }
  return kept;
}

for (let i = 1; i < process.argv.length; i++) console.log("argument: " + process.argv[i]);
console.log("GREETING=" + (process.env.has("GREETING") ? process.env.get("GREETING") : "(none)"));

const accounts = new Map<string, Account>();
const names = ["delta", "alpha", "charlie", "bravo"];
for (let i = 0; i < names.length; i++) {
  accounts.set(names[i], new Account(names[i], 100.0 / <f64>(i + 3)));
}
const sorted = accounts.values();
sorted.sort((a, b) => (a.balance < b.balance ? -1 : 1));
for (let i = 0; i < sorted.length; i++) {
  console.log(sorted[i].name + " " + sorted[i].balance.toString());
}
console.log(fibonacci(90).toString());
console.log(Math.sqrt(2).toString() + " " + Math.sin(1).toString() + " " + Math.pow(2, 0.5).toString());
console.log(f32(0.1).toString() + " " + (0.1 + 0.2).toString() + " " + 1e21.toString());
console.log("ÄÖ→🦀".length.toString() + " " + "a-b-c".split("-").reverse().join("+"));
console.log(churn(2000).toString());
console.log(Math.random() != Math.random() ? "random" : "the same twice");
console.log(Date.now() > 1577836800000 ? "later than 2020" : "before 2020");
// The shim writes this to standard output.
console.error("tally: done");
process.exit(5);
