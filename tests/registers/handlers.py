#!/usr/bin/env python3
"""Looks at the code that the compiler made of the interpreter's operations (ops.def).

usage: handlers.py --name NAME --program FILE --objdump OBJDUMP --hot FILE [--all]

The state of the interpreter (position, frame, memory and its size, accumulators, context) has to be
in registers from one operation to the next; a variable that is not is on the stack. So every way is
followed from an operation's first instruction to the jump to the next operation, and what it does is
counted. Where an operation begins stands in the debug information: it is a label of the function.
Ways that call a function or end the interpreter (traps) are left out: they may save what they like.

  FILE of --hot   lines `operation`, which are printed and must have such a way, and lines
                  `stack NAME PATTERN # reason`: these may touch the stack there

No other operation may touch the stack, hot or not, unless a value that it computes with (and not the
state) has to go through it. --all prints all operations. The last line is
`N passed, N failed, N skipped`: one check per operation.
"""

import argparse
import collections
import fnmatch
import re
import subprocess
import sys

# By processor, as readelf calls it. Patterns are matched against `mnemonic operands`.
Machine = collections.namedtuple("Machine", "dispatch ends call branch stack memory delay")
CONDITION = "(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
MACHINES = {
    "Advanced Micro Devices X86-64": Machine(
        dispatch=r"(notrack )?jmp +\*", ends=r"ret", call=r"call", branch=r"j[a-z]+ ",
        stack=r"\((%rsp|%rsp,.*)\)|^(push|pop)", memory=r"\(%", delay=False),
    "AArch64": Machine(
        dispatch=r"br ", ends=r"ret", call=r"blr? ", branch=r"b |b\.|cbn?z |tbn?z ",
        stack=r"\[(sp|x29)", memory=r"\[", delay=False),
    "ARM": Machine(
        dispatch=r"(mov|ldr)%s? pc, (?!\[sp)|bx%s? (?!lr)" % (CONDITION, CONDITION),
        ends=r"(pop|ldm)[a-z.]* .*pc}|bx lr", call=r"blx? ",
        branch=r"b(%s)?(\.[nw])? |cbn?z " % CONDITION,
        stack=r"\[sp|^v?(push|pop)", memory=r"\[|^(ldm|stm|push|pop)", delay=False),
    "RISC-V": Machine(
        dispatch=r"jr |jalr zero,", ends=r"ret", call=r"jalr? ", branch=r"j |b[a-z]+ ",
        stack=r"\(sp\)", memory=r"\(", delay=False),
    "MIPS R3000": Machine(
        dispatch=r"jr (?!ra)", ends=r"jr ra", call=r"jalr? |bal ", branch=r"b[a-z0-9]* |j ",
        stack=r"\((sp|s8)\)", memory=r"\(", delay=True),
}
CONDITIONAL_DISPATCH = re.compile(r"(mov|ldr|bx)%s " % CONDITION)
UNCONDITIONAL = re.compile(r"(b|j|jmp|b\.[nw]) ")

Instruction = collections.namedtuple("Instruction", "text next target kind stack memory")
Way = collections.namedtuple("Way", "instructions memory stack")


def output_of(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


class Program:
    """The interpreter's function in a program, disassembled, and where its operations begin."""

    def __init__(self, path, objdump):
        self.path = path
        header = output_of("readelf", "-hW", path)
        self.machine = MACHINES[re.search(r"Machine: +(.*)", header).group(1)]
        thumb = re.search(r"Machine: +ARM$", header, re.M)  # its code has odd addresses
        self.code = {}
        for line in output_of("readelf", "-sW", path).splitlines():
            words = line.split()
            if len(words) < 8 or words[3] != "FUNC":
                continue
            name, value, size = words[7], int(words[1], 16), int(words[2], 0)
            if re.fullmatch(r"interpret(\.\w+)*", name):
                self.disassemble(objdump, value & ~1 if thumb else value, size)
        self.labels = self.read_labels()

    def disassemble(self, objdump, start, size):
        text = output_of(objdump, "-d", "--no-show-raw-insn", "--start-address=%d" % start,
                         "--stop-address=%d" % (start + size), self.path)
        lines = []
        for line in text.splitlines():
            found = re.match(r" *([0-9a-f]+):\t(.*)", line)
            if found:
                words = re.sub(r"\s+", " ", re.sub(r"[;@#] .*", "", found.group(2))).strip()
                target = re.search(r"\b([0-9a-f]+) <", found.group(2))
                lines.append((int(found.group(1), 16), words + " ", target))
        for (address, words, target), following in zip(lines, lines[1:] + [(None, None, None)]):
            self.code[address] = self.instruction(words, following[0], target)

    def instruction(self, words, following, target):
        machine = self.machine
        kind = "plain"
        for kind_of, pattern in (("ends", machine.ends), ("dispatch", machine.dispatch),
                                 ("call", machine.call), ("branch", machine.branch)):
            if re.match(pattern, words):
                kind = kind_of
                break
        return Instruction(words, following, int(target.group(1), 16) if target else None, kind,
                           bool(re.search(machine.stack, words)),
                           bool(re.search(machine.memory, words)))

    def read_labels(self):
        """The labels of operations, L_NAME, with their addresses, by the debug information."""
        labels, name = {}, None
        for line in output_of("readelf", "--debug-dump=info", self.path).splitlines():
            found = re.search(r"DW_AT_name +: .*\bL_(\w+)$", line)
            if found:
                name = found.group(1)
                continue
            found = re.search(r"DW_AT_low_pc +: (0x[0-9a-f]+)$", line)
            if found and name:
                labels[name] = int(found.group(1), 16)
            if found or "Abbrev Number" in line:
                name = None
        return labels

    def ways(self, start):
        """What is done on each way from an address to the next dispatch. Loops are gone through once."""
        found = []
        todo = [(start, Way(0, 0, 0), frozenset())]
        while todo and len(found) < 1000:
            address, way, seen = todo.pop()
            if address not in self.code or address in seen:
                continue
            step = self.code[address]
            if step.kind in ("ends", "call"):
                continue
            way = self.add(way, step)
            seen = seen | {address}
            if self.machine.delay and step.kind in ("dispatch", "branch"):
                way = self.add(way, self.code[step.next])
                following = self.code[step.next].next
            else:
                following = step.next
            if step.kind == "dispatch":
                found.append(way)
                if CONDITIONAL_DISPATCH.match(step.text):
                    todo.append((following, way, seen))
                continue
            if step.kind == "branch":
                todo.append((step.target, way, seen))
            if step.kind == "plain" or not UNCONDITIONAL.match(step.text):
                todo.append((following, way, seen))
        return found

    @staticmethod
    def add(way, step):
        return Way(way.instructions + 1, way.memory + step.memory, way.stack + step.stack)


def read_hot(path, name):
    """Hot operations, and patterns of those that may touch the stack on this processor."""
    hot, excused = [], []
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            words = line.split("#")[0].split()
            if len(words) == 3 and words[0] == "stack":
                if words[1] == name:
                    excused.append(words[2])
            elif len(words) == 1:
                hot.append(words[0])
            elif words:
                sys.exit("%s: what is '%s'?" % (path, line.strip()))
    return hot, excused


def main():
    parser = argparse.ArgumentParser()
    for option in ("name", "program", "objdump", "hot"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    program = Program(options.program, options.objdump)
    hot, excused = read_hot(options.hot, options.name)
    passed, failed, unseen = 0, 0, set(hot)
    print("%s: on the longest way from an operation to the next" % options.name)
    print("%-28s %12s %8s %8s" % ("operation", "instructions", "memory", "stack"))
    for name, address in program.labels.items():
        ways = program.ways(address)
        stack = max((way.stack for way in ways), default=0)
        # Of a hot operation there is such a way.
        may = any(fnmatch.fnmatchcase(name, pattern) for pattern in excused)
        wrong = (stack > 0 and not may) or (name in hot and not ways)
        if name in hot or options.all or wrong:
            print("%-28s %12d %8d %8d %s" %
                  (name, max((way.instructions for way in ways), default=0),
                   max((way.memory for way in ways), default=0), stack, "FAIL" if wrong else ""))
        unseen.discard(name)
        passed, failed = passed + (not wrong), failed + wrong
    for name in sorted(unseen):
        print("FAIL  %s: there is no such operation" % name)
    failed += len(unseen)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
