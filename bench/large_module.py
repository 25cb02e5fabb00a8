"""A module of about 1 MiB for the measurements of images: half code, half data, no imports.

Exports `memory` and run: [i32] -> [i64], which calls one small function and reads some data."""

FUNCTIONS = 640
DATA_BYTES = 512 * 1024


def _unsigned(value):
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _signed(value):
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        done = (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40)
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


def _section(number, content):
    return bytes([number]) + _unsigned(len(content)) + content


def _vector(items):
    return _unsigned(len(items)) + b"".join(items)


def _body(code):
    content = b"\x00" + code + b"\x0b"
    return _unsigned(len(content)) + content


def _function(number):
    """x = x * constant + load(x & mask), some forty times, with constants of its own."""
    code = b"\x20\x00"
    for step in range(40):
        code += b"\x41" + _signed((number * 2654435761 + step * 40503) % 2**31 - 2**30) + b"\x6c"
        code += b"\x22\x00\x41" + _signed(0xFFFC) + b"\x71\x28\x02" + _unsigned(step * 4)
        code += b"\x20\x00\x6a"
    return code


def large_module():
    data = bytes((i * 167 + (i >> 8) * 31) & 0xFF for i in range(DATA_BYTES))
    bodies = [_body(_function(number)) for number in range(FUNCTIONS)]
    bodies.append(_body(b"\x20\x00\x10\x00\xad"))
    types = [b"\x60\x01\x7f\x01\x7f", b"\x60\x01\x7f\x01\x7e"]
    exports = [b"\x03run\x00" + _unsigned(FUNCTIONS), b"\x06memory\x02\x00"]
    return (b"\0asm\1\0\0\0" + _section(1, _vector(types)) +
            _section(3, _vector([b"\x00"] * FUNCTIONS + [b"\x01"])) +
            _section(5, _vector([b"\x00" + _unsigned(16)])) +
            _section(7, _vector(exports)) +
            _section(10, _vector(bodies)) +
            _section(11, _vector([b"\x00\x41\x00\x0b" + _unsigned(len(data)) + data])))
