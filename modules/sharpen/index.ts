// The function of sharpen.wit.
import { Frame, OptionU32, PixelFormat, ResultFrameString } from "./sharpen";

const MOST_PERCENT: u32 = 1000;

// Bytes of a pixel; 0: the format has no pixels.
function channelsOf(format: PixelFormat): i32 {
    switch (format) {
        case PixelFormat.RGBA8:
            return 4;
        case PixelFormat.RGB8:
            return 3;
        case PixelFormat.GRAY8:
            return 1;
        default:
            return 0;
    }
}

// One channel of one pixel. Neighbours beyond an edge are those at the edge.
function sharpened(pixels: Uint8Array, at: i32, left: i32, right: i32, up: i32, down: i32,
    percent: i32): u8 {
    const own: i32 = pixels[at];
    const around: i32 = <i32>pixels[at + up + left] + pixels[at + up] + pixels[at + up + right] +
        pixels[at + left] + pixels[at + right] +
        pixels[at + down + left] + pixels[at + down] + pixels[at + down + right];
    // own + (own - around / 8) * percent / 100, rounded half up.
    const scaled: i32 = own * 800 + (own * 8 - around) * percent;
    const value: i32 = scaled < 0 ? 0 : (scaled + 400) / 800;
    return <u8>(value > 255 ? 255 : value);
}

function sharpenPixels(from: Uint8Array, to: Uint8Array, width: i32, height: i32, channels: i32,
    percent: i32): void {
    const line = width * channels;
    for (let y = 0; y < height; y++) {
        const up = y > 0 ? -line : 0;
        const down = y + 1 < height ? line : 0;
        for (let x = 0; x < width; x++) {
            const left = x > 0 ? -channels : 0;
            const right = x + 1 < width ? channels : 0;
            for (let c = 0; c < channels; c++) {
                const at = y * line + x * channels + c;
                to[at] = c == 3 ? from[at] : sharpened(from, at, left, right, up, down, percent);
            }
        }
    }
}

export function filterSharpen(frame: Frame, percent: OptionU32): ResultFrameString {
    const channels = channelsOf(frame.format);
    const strength: u32 = percent.isSome ? percent.value : 100;
    if (channels == 0) {
        return ResultFrameString.err("a JPEG file has no pixels to sharpen: decode it first");
    }
    if (strength > MOST_PERCENT) {
        return ResultFrameString.err("percent is at most 1000");
    }
    // Without products that could overflow: both sizes are bounded by the bytes first.
    const bytes: u64 = frame.pixels.length;
    if (<u64>frame.width * <u64>frame.height > bytes ||
        <u64>frame.width * <u64>frame.height * <u64>channels != bytes) {
        return ResultFrameString.err("the frame has " + frame.pixels.length.toString() +
            " bytes of pixels; that is not width times height times bytes of a pixel");
    }
    const pixels = new Uint8Array(frame.pixels.length);
    sharpenPixels(frame.pixels, pixels, <i32>frame.width, <i32>frame.height, channels,
        <i32>strength);
    return ResultFrameString.ok(new Frame(frame.width, frame.height, frame.format, frame.time,
        frame.number_, pixels));
}
