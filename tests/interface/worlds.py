"""Random WIT worlds whose functions give back what they get, and guests that implement them over the
generated bindings: their code is made by reading the bindings' own declarations."""

import re

PRIMITIVES = ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"]
# Words that languages have a meaning for, among plain ones.
WORDS = ["alfa", "bravo", "delta-echo", "x", "int", "type", "self", "class", "load", "free", "value", "at",
         "flat", "len", "ptr", "tag", "result", "keep", "move", "struct", "stdin", "call", "held", "match",
         "constructor", "store", "memory", "default", "new", "super", "abi", "string", "list", "ok", "err",
         "is-some", "val", "f0", "args", "none", "some", "abort", "impl"]


class World:
    """One world as text: functions echo-N and relay-N (through the import) over random types."""

    def __init__(self, random, functions=6, flags=True):
        self.random = random
        self.flags = flags
        self.declarations = []
        self.names = []
        functions = [self.function(number) for number in range(functions)]
        uses = "    use types.{%s};\n" % ", ".join(self.names) if self.names else ""
        echo = "".join("    echo-%d: %s\n" % pair for pair in enumerate(functions))
        relay = "".join("    relay-%d: %s\n" % pair for pair in enumerate(functions))
        self.text = ("package test:echo@1.2.3;\n\ninterface types {\n%s}\n\ninterface host {\n%s%s}\n\n"
                     "interface calls {\n%s%s%s}\n\nworld echo {\n    import host;\n    export calls;\n}\n"
                     % ("".join(self.declarations), uses, echo, uses, echo, relay))

    def member_names(self, count):
        words = self.random.sample(WORDS, min(count, len(WORDS)))
        return words + ["m%d" % number for number in range(count - len(words))]

    def type(self, depth):
        kind = self.random.choice(["plain", "plain", "list", "option", "tuple", "result", "record", "variant",
                                   "enum", "flags", "again"])
        if kind == "again" and self.names:
            return self.random.choice(self.names)
        if depth <= 1 or kind in ("plain", "again"):
            return self.random.choice(PRIMITIVES)
        if kind in ("list", "option"):
            return "%s<%s>" % (kind, self.type(depth - 1))
        if kind == "tuple":
            return "tuple<%s>" % ", ".join(self.type(depth - 1) for _ in range(self.random.randint(1, 4)))
        if kind == "result":
            ok = self.type(depth - 1) if self.random.random() < 0.7 else None
            error = self.type(depth - 1) if self.random.random() < 0.7 else None
            if error:
                return "result<%s, %s>" % (ok or "_", error)
            return "result<%s>" % ok if ok else "result"
        return self.declare(kind, depth)

    def declare(self, kind, depth):
        count = self.random.choice([1, 2, 3, 4, 5, 17 if kind == "record" else 9])
        if kind == "enum" and self.random.random() < 0.2:
            count = 260
        if kind == "flags":
            count = self.random.choice([1, 8, 9, 16, 17, 32] + ([33, 64, 70] if self.flags else []))
        name = "t%d" % len(self.declarations) if self.random.random() < 0.8 else \
            "%s-t%d" % (self.random.choice(WORDS), len(self.declarations))
        lines = []
        self.declarations.append(None)
        place = len(self.declarations) - 1
        for member in self.member_names(count):
            if kind == "record":
                lines.append("        %%%s: %s,\n" % (member, self.type(depth - 1)))
            elif kind == "variant" and self.random.random() < 0.7:
                lines.append("        %%%s(%s),\n" % (member, self.type(depth - 1)))
            else:
                lines.append("        %%%s,\n" % member)
        self.declarations[place] = "    %s %s {\n%s    }\n" % (kind, name, "".join(lines))
        self.names.append(name)
        return name

    def function(self, number):
        count = [1, 1, 2, 3, 16, 17][number % 6]
        types = [self.type(1 if count > 3 else 4) for _ in range(count)]
        params = ", ".join("%%%s: %s" % pair for pair in zip(self.member_names(count), types))
        result = types[0] if count == 1 else "tuple<%s>" % ", ".join(types)
        return "func(%s) -> %s;" % (params, result)


def names_of(params):
    return [part.strip().split(":")[0].strip() for part in split(params)]


def split(text):
    """Parts between commas that are in no brackets."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += char in "<([" and 1 or char in ">)]" and -1 or 0
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [part for part in parts + [part] if part.strip()]


def guest_c(header):
    """The functions that echo.h declares, implemented."""
    text = ['#include "echo.h"\n']
    start = header.index("/* ---- Exports")
    for comment, result, name, params in re.findall(
            r"/\*(.*?)\*/\n([^\n;()]*?)(\w+)\(([^;]*)\);", header[start:], re.S):
        names = [re.search(r"(\w+)$", part.strip()).group(1) for part in params.split(",")]
        number = name.rsplit("_", 1)[1]
        value = names[0] if len(names) == 1 else "(%s){%s}" % (result.strip(), ", ".join(
            ".f%d = %s" % pair for pair in enumerate(names)))
        body = "    return %s;\n" % value
        if "_relay_" in name:
            # The import's result is new; the arguments remain ours.
            frees = re.findall(r"(\w+_free\(&\w+\))", comment)
            body = "    %sresult_ = host_echo_%s(%s);\n%s    return result_;\n" % (
                result, number, ", ".join(names), "".join("    %s;\n" % free for free in frees))
        text.append("\n%s%s(%s)\n{\n%s}\n" % (result, name, " ".join(params.split()), body))
    return "".join(text)


def guest_rust(bindings):
    """The trait that echo.rs declares, implemented."""
    trait = re.search(r"pub trait (\w+Exports) \{(.*?)\n\}", bindings, re.S)
    host = bindings[bindings.index("pub mod host {"):bindings.index("/// Exported;")]
    imports = dict(re.findall(r"pub fn (\w+)\(([^\n]*)\) ->", host))
    text = ["mod echo;\n#[allow(unused_imports)]\nuse echo::*;\n\nstruct Guest;\n\nimpl %s for Guest {\n" % trait.group(1)]
    for name, params, result in re.findall(r"fn (\w+)\((.*)\) -> (.*);", trait.group(2)):
        names = names_of(params)
        if name.startswith("relay_"):
            wanted = split(imports[name.replace("relay", "echo")])
            args = ", ".join(("&" if part.split(":")[1].strip().startswith("&") else "") + own
                             for part, own in zip(wanted, names))
            body = "host::%s(%s)" % (name.replace("relay", "echo"), args)
        else:
            body = names[0] if len(names) == 1 else "(%s)" % ", ".join(names)
        text.append("    fn %s(%s) -> %s {\n        %s\n    }\n" % (name, params, result, body))
    text.append("}\n\necho::export!(Guest);\n")
    return "".join(text)


def guest_assemblyscript(bindings):
    """The functions that echo.ts wants from ./index."""
    exported = re.findall(r"^export (?:class|enum|function) (\w+)", bindings, re.M)
    text = ["import { %s } from \"./echo\";\n" % ", ".join(
        name for name in exported if not re.match(r"(export|post)\d+_$|witAbort_$|cabi_realloc$", name))]
    for name, params, result in re.findall(r"^//   export function (\w+)\((.*)\): (.*)$", bindings, re.M):
        names = names_of(params)
        value = names[0] if len(names) == 1 else "new %s(%s)" % (result, ", ".join(names))
        if "Relay" in name:
            value = "hostEcho%s(%s)" % (re.search(r"\d+$", name).group(0), ", ".join(names))
        text.append("export function %s(%s): %s {\n    return %s;\n}\n" % (name, params, result, value))
    return "".join(text)
