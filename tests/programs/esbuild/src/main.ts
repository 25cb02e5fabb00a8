// A small project for esbuild to bundle: TypeScript, JSX-free, with imports, JSON and tree shaking.
import { area, type Shape } from "./shapes";
import settings from "./settings.json";
import * as text from "./text";

const shapes: Shape[] = [
  { kind: "circle", radius: settings.radius },
  { kind: "box", width: 3, height: 4 },
];

for (const shape of shapes) {
  console.log(text.pad(shape.kind, 10), area(shape).toFixed(settings.digits));
}
console.log(text.title?.("done") ?? "never", settings.names.join("+"));
