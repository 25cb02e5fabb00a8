// What the screen should show, made by others: ffmpeg decodes, this filters, npm's @jsquash/resize scales
// in node. Prints the PSNR (dB, over red, green and blue) of each picture that was shown.
// usage: node reference.mjs GLUE MODULE CLIP SHOWN NUMBERS   (RGBA pictures; numbers of the clip's pictures)
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const WIDTH = 320, HEIGHT = 180, WIDER = 640, HIGHER = 360, TRIANGLE = 0;
const [glue, module, clipPath, shownPath, numbers] = process.argv.slice(2);
const { initSync, resize } = await import(pathToFileURL(glue));
initSync(readFileSync(module));
const clip = readFileSync(clipPath), shown = readFileSync(shownPath);

// own + (own - mean of the eight around it), neighbours beyond an edge being those at the edge.
function sharpen(from) {
  const to = new Uint8Array(from.length);
  const inside = (value, end) => Math.min(Math.max(value, 0), end - 1);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      for (let c = 0; c < 4; c++) {
        const channel = (dx, dy) => from[(inside(y + dy, HEIGHT) * WIDTH + inside(x + dx, WIDTH)) * 4 + c];
        let sum = -channel(0, 0);
        for (const dy of [-1, 0, 1]) {
          for (const dx of [-1, 0, 1]) {
            sum += channel(dx, dy);
          }
        }
        const value = Math.floor(2 * channel(0, 0) - sum / 8 + 0.5);
        to[(y * WIDTH + x) * 4 + c] = c === 3 ? channel(0, 0) : inside(value, 256);
      }
    }
  }
  return to;
}

function psnr(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) {
    sum += i % 4 === 3 ? 0 : (one[i] - other[i]) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / (sum / (one.length / 4 * 3)));
}

const small = WIDTH * HEIGHT * 4, large = WIDER * HIGHER * 4;
numbers.split(",").map(Number).forEach((number, index) => {
  const frame = sharpen(clip.subarray(number * small, (number + 1) * small));
  const wanted = resize(frame, WIDTH, HEIGHT, WIDER, HIGHER, TRIANGLE, false, false);
  console.log(number, psnr(wanted, shown.subarray(index * large, (index + 1) * large)).toFixed(2));
});
