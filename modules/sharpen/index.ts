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

// own + (own - mean of the eight around it) * percent / 100, rounded half up. `nine` is the sum of
// all nine.
// @ts-ignore: decorator
@inline
function sharpened(own: i32, nine: i32, percent: i32): u8 {
    const scaled = own * 800 + (own * 9 - nine) * percent + 400;
    return <u8>(scaled < 0 ? 0 : scaled >= 256 * 800 ? 255 : <u32>scaled / 800);
}

// The bytes of a line and those above and below, added: 16 bits for each.
function addLines(sums: usize, above: usize, line: usize, below: usize, length: i32): void {
    for (let i: usize = 0; i < <usize>length; i++) {
        store<u16>(sums + (i << 1),
            <u16>(<u32>load<u8>(above + i) + <u32>load<u8>(line + i) + <u32>load<u8>(below + i)));
    }
}

// Neighbours beyond an edge are those at the edge. Without the checks of arrays, which take most of
// the time: `from` and `to` have the `height` lines, `sums` two bytes for each byte of a line.
function sharpenPixels(from: usize, to: usize, sums: usize, width: i32, height: i32, channels: i32,
    percent: i32): void {
    const line = width * channels;
    for (let y = 0; y < height; y++) {
        const at = from + <usize>(y * line);
        const out = to + <usize>(y * line);
        addLines(sums, y > 0 ? at - line : at, at, y + 1 < height ? at + line : at, line);
        let channel = 0;
        for (let i = 0; i < line; i++) {
            const own: i32 = load<u8>(at + i);
            if (channel == 3) {
                store<u8>(out + i, <u8>own);
            } else {
                const left = i >= channels ? i - channels : i;
                const right = i + channels < line ? i + channels : i;
                const nine = <i32>load<u16>(sums + (left << 1)) + <i32>load<u16>(sums + (i << 1)) +
                    <i32>load<u16>(sums + (right << 1));
                store<u8>(out + i, sharpened(own, nine, percent));
            }
            channel = channel + 1 == channels ? 0 : channel + 1;
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
    const sums = new Uint16Array(<i32>frame.width * channels);
    sharpenPixels(frame.pixels.dataStart, pixels.dataStart, sums.dataStart, <i32>frame.width,
        <i32>frame.height, channels, <i32>strength);
    return ResultFrameString.ok(new Frame(frame.width, frame.height, frame.format, frame.time,
        frame.number_, pixels));
}
