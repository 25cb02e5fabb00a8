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

// The bytes of a line and those above and below, added: 16 bits for each. Neighbours beyond an edge are
// those at the edge, so the first and the last pixel's stand there twice.
function addLines(sums: usize, above: usize, line: usize, below: usize, length: usize,
    channels: usize): void {
    const own = sums + 2 * channels;
    let i: usize = 0;
    for (; i + 8 <= length; i += 8) {
        v128.store(own + 2 * i, i16x8.add(v128.load_ext<u8>(line + i),
            i16x8.add(v128.load_ext<u8>(above + i), v128.load_ext<u8>(below + i))));
    }
    for (; i < length; i++) {
        store<u16>(own + 2 * i,
            <u16>(<u32>load<u8>(above + i) + <u32>load<u8>(line + i) + <u32>load<u8>(below + i)));
    }
    memory.copy(sums, own, 2 * channels);
    memory.copy(own + 2 * length, own + 2 * (length - channels), 2 * channels);
}

// Four values of sharpened() from own values and the differences of them, eight-fold, and the eight
// around them. Dividing in f32 is exact: values stay below 2^24, and no quotient comes as near to the
// next integer as half of the last place.
// @ts-ignore: decorator
@inline
function quarter(own: v128, difference: v128): v128 {
    const scaled = i32x4.add(i32x4.add(i32x4.mul(own, i32x4.splat(800)), difference), i32x4.splat(400));
    const inside = i32x4.min_s(i32x4.max_s(scaled, i32x4.splat(0)), i32x4.splat(255 * 800));
    return i32x4.trunc_sat_f32x4_u(f32x4.div(f32x4.convert_i32x4_u(inside), f32x4.splat(800)));
}

function sharpenLine(line: usize, out: usize, sums: usize, length: usize, channels: usize,
    percent: i32): void {
    const strength = i16x8.splat(<i16>percent);
    const opacity = channels == 4 ? i16x8(0, 0, 0, -1, 0, 0, 0, -1) : i16x8.splat(0);
    let i: usize = 0;
    for (; i + 8 <= length; i += 8) {
        const own = v128.load_ext<u8>(line + i);
        const at = sums + 2 * i;
        const nine = i16x8.add(v128.load(at),
            i16x8.add(v128.load(at + 2 * channels), v128.load(at + 4 * channels)));
        const difference = i16x8.sub(i16x8.mul(own, i16x8.splat(9)), nine);
        const values = i16x8.narrow_i32x4_u(
            quarter(i32x4.extend_low_i16x8_u(own), i32x4.extmul_low_i16x8_s(difference, strength)),
            quarter(i32x4.extend_high_i16x8_u(own), i32x4.extmul_high_i16x8_s(difference, strength)));
        const kept = v128.bitselect(own, values, opacity);
        v128.store_lane<u64>(out + i, i8x16.narrow_i16x8_u(kept, kept), 0);
    }
    for (; i < length; i++) {
        const own: i32 = load<u8>(line + i);
        const at = sums + 2 * i;
        const nine = <i32>load<u16>(at) + <i32>load<u16>(at + 2 * channels) +
            <i32>load<u16>(at + 4 * channels);
        store<u8>(out + i, channels == 4 && (i & 3) == 3 ? <u8>own : sharpened(own, nine, percent));
    }
}

// Eight bytes at a time, and without the checks of arrays, which take most of the time: `from` and `to`
// have the `height` lines, `sums` two bytes for each byte of a line and of two pixels.
function sharpenPixels(from: usize, to: usize, sums: usize, width: i32, height: i32, channels: i32,
    percent: i32): void {
    const line = <usize>(width * channels);
    for (let y = 0; y < height && line != 0; y++) {
        const at = from + <usize>y * line;
        addLines(sums, y > 0 ? at - line : at, at, y + 1 < height ? at + line : at, line, channels);
        sharpenLine(at, to + <usize>y * line, sums, line, channels, percent);
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
    const sums = new Uint16Array((<i32>frame.width + 2) * channels);
    sharpenPixels(frame.pixels.dataStart, pixels.dataStart, sums.dataStart, <i32>frame.width,
        <i32>frame.height, channels, <i32>strength);
    return ResultFrameString.ok(new Frame(frame.width, frame.height, frame.format, frame.time,
        frame.number_, pixels));
}
