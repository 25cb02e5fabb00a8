"""A module that does every operation of floating point with operands at every edge.

Of each operation it makes a digest over all operands, or all pairs of them, so that two machines can
be compared with one number, and where they differ, with one per operation and operand. Of a NaN that
WebAssembly leaves open (spec 4.3.3) the digest has what must be: without a sign, and where an operand
was a NaN with another payload than the canonical one, only that it is quiet.
"""

import math
import random
import struct

ALL = 0  # the function `run` with this: everything; or 1 + operation + OPERAND_STEP * (1 + operand)
OPERAND_STEP = 256  # more than there are operations
RANDOM = 24  # of each kind


class Format:
    """Of floating-point numbers."""

    def __init__(self, bits, fraction_bits, exponent_bits):
        self.bits = bits
        self.normal = 1 << fraction_bits  # the least, and the distance between exponents
        self.infinity = ((1 << exponent_bits) - 1) << fraction_bits
        self.quiet = self.infinity | self.normal >> 1
        self.codes = ("<Q", "<d") if bits == 64 else ("<I", "<f")

    def bits_of(self, value):
        """Of the nearest number that the format has."""
        return struct.unpack(self.codes[0], struct.pack(self.codes[1], value))[0]

    def value_of(self, bits):
        """As a number of Python."""
        return struct.unpack(self.codes[1], struct.pack(self.codes[0], bits))[0]

    def operands(self):
        """Bits of the operands, the last ones NaNs that are not canonical; how many those are."""
        dice = random.Random(self.bits)
        edges = {0, 1, 2, 3, self.normal >> 1, self.normal - 1, self.normal, self.normal + 1, self.infinity - 1,
                 self.infinity, self.quiet}
        values = [1.0, 1.5, 2.5, 3.0, 3.5, 0.5, 0.25, 2.0 / 3, 10.0, 1e10, 1e-10, 2.0 ** 100, 2.0 ** -100]
        values += [2.0 ** power for power in (1, 22, 23, 24, 31, 32, 51, 52, 53, 62, 63, 64)]
        values += [2.0 ** power + more for power in (23, 31, 32, 52) for more in (-1.5, -1, -0.5, 0.5, 1, 1.5)]
        if self.bits == 64:
            # Between two numbers of f32: beyond the largest, below the least, near 1.
            values += [2.0 ** 128 - 2.0 ** 103, 2.0 ** 128 - 2.0 ** 104, 2.0 ** -150, 2.0 ** -149, 3 * 2.0 ** -150,
                       2.0 ** -126, 2.0 ** -126 - 2.0 ** -150, 1 + 2.0 ** -24, 1 + 3 * 2.0 ** -24]
        edges |= {self.bits_of(value) + more for value in values for more in (-1, 0, 1)}
        one = self.bits_of(1.0)
        for _ in range(RANDOM):
            edges.add(dice.getrandbits(self.bits - 1) % self.infinity)
            edges.add(one + dice.randrange(-40, 80) * self.normal + dice.randrange(self.normal))
        nans = [self.infinity | 1, self.quiet - 1, self.quiet | 1, self.quiet | self.normal // 2 - 1]
        signs = (0, 1 << (self.bits - 1))
        return [bits | sign for bits in [*sorted(edges), *nans] for sign in signs], 2 * len(nans)


FORMATS = {"f32": Format(32, 23, 8), "f64": Format(64, 52, 11)}


def integers(bits):
    """Those at the edges of ranges, and half-way between two numbers of f32 and f64."""
    dice = random.Random(bits)
    found = {0, 1, 2, 3}
    for power in range(4, bits):
        found |= {(1 << power) + more for more in (-1, 0, 1)}
    for fraction in (23, 52):
        for power in range(fraction + 1, bits):
            half = 1 << (power - fraction - 1)
            for whole in (1 << power, (1 << power) + 2 * half, (1 << (power + 1)) - 2 * half):
                found |= {whole + half + more for more in (-1, 0, 1)}
    found |= {dice.getrandbits(bits) for _ in range(RANDOM)}
    found = {value % (1 << bits) for value in found}
    return sorted(found | {-value % (1 << bits) for value in found})


class Table:
    """Operands of a type in the module's memory."""

    def __init__(self, kind, at, values, odd=0):
        self.kind, self.at, self.values, self.odd = kind, at, values, odd
        self.size = 8 if kind in ("i64", "f64") else 4
        self.code = "<Q" if self.size == 8 else "<I"
        self.end = at + self.size * len(values)
        self.odd_at = self.end - self.size * odd

    def data(self):
        """Its bytes, as the text format has them."""
        return string_at(self.at, b"".join(struct.pack(self.code, value) for value in self.values))


def string_at(at, raw):
    """Bytes in the memory, in the text format."""
    return '(data (i32.const %d) "%s")' % (at, "".join("\\%02x" % byte for byte in raw))


# ---- Operations: name, type of the operands, how many, type of the result, what to do with NaNs --------------

EXACT, ARITHMETIC = "exact", "arithmetic"


def scalar_operations():
    """All of WebAssembly 2.0 that take or give a floating-point number, constants and memory apart."""
    for kind, other in (("f32", "i32"), ("f64", "i64")):
        for name in ("eq", "ne", "lt", "gt", "le", "ge"):
            yield "%s.%s" % (kind, name), kind, 2, "i32", EXACT
        for name in ("add", "sub", "mul", "div", "min", "max"):
            yield "%s.%s" % (kind, name), kind, 2, kind, ARITHMETIC
        yield kind + ".copysign", kind, 2, kind, EXACT
        for name in ("abs", "neg"):
            yield "%s.%s" % (kind, name), kind, 1, kind, EXACT
        for name in ("ceil", "floor", "trunc", "nearest", "sqrt"):
            yield "%s.%s" % (kind, name), kind, 1, kind, ARITHMETIC
        yield "%s.reinterpret_%s" % (kind, other), other, 1, kind, EXACT
        yield "%s.reinterpret_%s" % (other, kind), kind, 1, other, EXACT
        for whole in ("i32", "i64"):
            for sign in "su":
                yield "%s.convert_%s_%s" % (kind, whole, sign), whole, 1, kind, EXACT
                yield "%s.trunc_sat_%s_%s" % (whole, kind, sign), kind, 1, whole, EXACT
                yield "%s.trunc_%s_%s" % (whole, kind, sign), kind, 1, whole, EXACT
    yield "f32.demote_f64", "f64", 1, "f32", ARITHMETIC
    yield "f64.promote_f32", "f32", 1, "f64", ARITHMETIC


def vector_operations():
    """Likewise, of vectors; all lanes of an operand are the same."""
    for shape, kind, lane in (("f32x4", "f32", "i32"), ("f64x2", "f64", "i64")):
        for name in ("eq", "ne", "lt", "gt", "le", "ge"):
            yield "%s.%s" % (shape, name), kind, 2, lane, EXACT
        for name in ("add", "sub", "mul", "div", "min", "max"):
            yield "%s.%s" % (shape, name), kind, 2, kind, ARITHMETIC
        for name in ("pmin", "pmax"):
            yield "%s.%s" % (shape, name), kind, 2, kind, EXACT
        for name in ("abs", "neg"):
            yield "%s.%s" % (shape, name), kind, 1, kind, EXACT
        for name in ("ceil", "floor", "trunc", "nearest", "sqrt"):
            yield "%s.%s" % (shape, name), kind, 1, kind, ARITHMETIC
    for sign in "su":
        yield "f32x4.convert_i32x4_" + sign, "i32", 1, "f32", EXACT
        yield "f64x2.convert_low_i32x4_" + sign, "i32", 1, "f64", EXACT
        yield "i32x4.trunc_sat_f32x4_" + sign, "f32", 1, "i32", EXACT
        yield "i32x4.trunc_sat_f64x2_%s_zero" % sign, "f64", 1, "i32", EXACT
    yield "f32x4.demote_f64x2_zero", "f64", 1, "f32", ARITHMETIC
    yield "f64x2.promote_low_f32x4", "f32", 1, "f64", ARITHMETIC


def traps(name, value):
    """Whether a truncation has no result."""
    whole, source = name.split(".")
    bits = int(whole[1:])
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if source.endswith("_s") else (0, (1 << bits) - 1)
    return not math.isfinite(value) or not low <= math.trunc(value) <= high


def is_trapping(name):
    """Truncations that do not saturate."""
    return ".trunc_f" in name and name[0] == "i" and "x" not in name


class Module:
    """The module: its text, the names of its operations, operands."""

    def __init__(self, vectors):
        self.operations = [*scalar_operations(), *(vector_operations() if vectors else ())]
        self.tables = {}
        at = 16
        for kind, values in (("f64", FORMATS["f64"].operands()), ("f32", FORMATS["f32"].operands()),
                             ("i64", (integers(64), 0)), ("i32", (integers(32), 0))):
            self.tables[kind] = Table(kind, at, *values)
            at = self.tables[kind].end + 16
        self.flags_at = at
        # One byte for each operand of f64 and f32 and each truncation of it.
        self.flags = bytearray()

    def number(self, name, operand=-1):
        """The argument of `run` for an operation, and one operand of it as the first."""
        index = [operation[0] for operation in self.operations].index(name)
        return 1 + index + OPERAND_STEP * (1 + operand)

    def text(self):
        """In the text format."""
        functions = [self.function(*operation) for operation in self.operations]
        data = [table.data() for table in self.tables.values()]
        data.append(string_at(self.flags_at, self.flags))
        return TEXT % {
            "data": "\n".join(data), "functions": "\n".join(functions), "count": len(self.operations),
            "names": " ".join("$" + operation[0] for operation in self.operations),
            "low": OPERAND_STEP - 1, "shift": OPERAND_STEP.bit_length() - 1}

    def function(self, name, kind, count, result, nans):
        """An operation over its operands: a row for each first one, in it a column for each second."""
        table = self.tables[kind]
        vector = "x" in name.split(".")[0]
        operand = "(%sx%d.splat (%s.load (local.get $%%s)))" % (kind, 128 // 8 // table.size, kind)
        operand = operand if vector else "(%s.load (local.get $%%s))" % kind
        value = "(%s %s)" % (name, " ".join(operand % letter for letter in "xy"[:count]))
        bits = bits_of(value, result, vector)
        if nans == ARITHMETIC:
            odd = ["(i32.ge_u (local.get $%s) (i32.const %d))" % (letter, table.odd_at) for letter in "xy"[:count]]
            odd = "(i32.or %s %s)" % (*odd,) if count == 2 else odd[0]
            bits = "(call $open_%s %s %s)" % (result, bits, odd)
        body = "(local.set $digest (call $mix (local.get $digest) %s))" % bits
        if is_trapping(name):
            body = "(if %s (then %s))" % (self.flag(name, table), body)
        if count == 2:
            body = COLUMNS % {"at": table.at, "body": body, "size": table.size, "end": table.end}
        return ROWS % {"name": name, "at": table.at, "before": table.at - table.size, "body": body,
                       "size": table.size, "end": table.end}

    def flag(self, name, table):
        """Whether the truncation of operand x is made; it is not where it would trap."""
        flags_at = self.flags_at + len(self.flags)
        self.flags += bytes(not traps(name, FORMATS[table.kind].value_of(bits)) for bits in table.values)
        return "(i32.load8_u offset=%d (i32.div_u (i32.sub (local.get $x) (i32.const %d)) (i32.const %d)))" % (
            flags_at, table.at, table.size)


def bits_of(value, kind, vector):
    """Code that makes a number, or the second lane of a vector, the bits of an i64."""
    if vector:
        value = "(%sx%d.extract_lane 1 %s)" % (kind, 2 if kind[1:] == "64" else 4, value)
    return {"i64": "%s", "i32": "(i64.extend_i32_u %s)", "f64": "(i64.reinterpret_f64 %s)",
            "f32": "(i64.extend_i32_u (i32.reinterpret_f32 %s))"}[kind] % value


ROWS = """(func $%(name)s (param $operand i32) (param $digest i64) (result i64) (local $x i32) (local $y i32)
  (local.set $x (select (i32.add (i32.const %(before)d) (i32.mul (local.get $operand) (i32.const %(size)d)))
                        (i32.const %(at)d) (local.get $operand)))
  (loop $row
    %(body)s
    (br_if $row (i32.and (i32.eqz (local.get $operand))
      (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const %(size)d))) (i32.const %(end)d)))))
  (local.get $digest))"""

COLUMNS = """(local.set $y (i32.const %(at)d))
    (loop $column
      %(body)s
      (br_if $column
        (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const %(size)d))) (i32.const %(end)d))))"""

TEXT = """(module
(memory 1)
(type $operation (func (param $operand i32) (param $digest i64) (result i64)))
(table funcref (elem %(names)s))
%(data)s
%(functions)s
;; Adds to the digest: a multiplication spreads every bit upwards, a rotation brings it back.
(func $mix (param $digest i64) (param $bits i64) (result i64)
  (i64.rotl (i64.mul (i64.xor (local.get $digest) (local.get $bits)) (i64.const 0x9e3779b97f4a7c15))
            (i64.const 29)))
;; What must be of a NaN, after operands of which some are odd; other numbers are what they are.
(func $open_f64 (param $bits i64) (param $odd i32) (result i64)
  (if (result i64)
    (i64.gt_u (i64.and (local.get $bits) (i64.const 0x7fffffffffffffff)) (i64.const 0x7ff0000000000000))
    (then (i64.and (local.get $bits)
      (select (i64.const 0x7ff8000000000000) (i64.const 0x7fffffffffffffff) (local.get $odd))))
    (else (local.get $bits))))
(func $open_f32 (param $bits i64) (param $odd i32) (result i64)
  (if (result i64)
    (i64.gt_u (i64.and (local.get $bits) (i64.const 0x7fffffff)) (i64.const 0x7f800000))
    (then (i64.and (local.get $bits)
      (select (i64.const 0x7fc00000) (i64.const 0x7fffffff) (local.get $odd))))
    (else (local.get $bits))))
(func $one (param $operation i32) (param $operand i32) (param $digest i64) (result i64)
  (call_indirect (type $operation) (local.get $operand) (local.get $digest) (local.get $operation)))
(func (export "run") (param $n i32) (result i64) (local $digest i64) (local $i i32)
  (if (local.get $n) (then (return (call $one
    (i32.sub (i32.and (local.get $n) (i32.const %(low)d)) (i32.const 1))
    (i32.shr_u (local.get $n) (i32.const %(shift)d)) (i64.const 0)))))
  (loop $next
    (local.set $digest (call $one (local.get $i) (i32.const 0) (local.get $digest)))
    (br_if $next
      (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const %(count)d))))
  (local.get $digest)))
"""
