"""Manual pages, man(7), made from the tables of commands."""

import itertools
import re
import textwrap
import time

from tables import flag, options_of

# Daemons have a page of their program's name, in section 8. What their tables cannot say: files.
DAEMONS = {
    "isomer-supervisor": {
        "/etc/default/isomer-supervisor": "OPTIONS= of the service isomer-supervisor.service",
        "/var/lib/isomer": "its state: identity, tokens, modules, deployments, storage",
        "/var/lib/isomer/token": "the token of this machine's people and programs",
    },
    "isomer-orchestrator": {
        "/etc/default/isomer-orchestrator": "OPTIONS= of the service isomer-orchestrator.service",
        "/var/lib/isomer-orchestrator": "its state: devices, packages, applications",
    },
}


def escape(text):
    """Text as it is, whatever troff makes of its characters."""
    text = text.replace("\\", "\\e")
    for plain, special in (("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")):
        text = text.replace(plain, special)
    # Dashes of options and names are typed as they are; hyphens of words may be typeset.
    text = re.sub(r"(?<![A-Za-z0-9])-+", lambda match: match.group().replace("-", "\\-"), text)
    return text


def line(text):
    """A line of its own: no request, whatever it begins with."""
    text = escape(text)
    return "\\&" + text if text[:1] in (".", "\\") and text[1:2] != "-" else text


def literal(text):
    return line(text.replace("-", "\0")).replace("\0", "\\-")


def quoted(text):
    """An argument of a macro."""
    return '"' + literal(text).replace('"', '\\(dq') + '"'


def block(lines):
    """Lines as they are, indented."""
    return [".RS 4", ".EX", *(literal(text) for text in lines), ".EE", ".RE"]


def fill(lines):
    return [line(text) for text in textwrap.wrap(" ".join(lines), 72, break_long_words=False,
                                                 break_on_hyphens=False)]


def paragraphs(text):
    """Filled text; lines that begin with blanks are kept as they are, empty ones part paragraphs."""
    out = []
    kinds = itertools.groupby(text.rstrip("\n").split("\n"),
                              lambda raw: "blank" if not raw.strip() else "kept" if raw[0] == " " else "text")
    for kind, group in kinds:
        lines = list(group)
        if kind == "blank":
            continue
        if kind == "kept":
            margin = min(len(item) - len(item.lstrip()) for item in lines)
            lines = block(item[margin:] for item in lines)
        out += [".PP"] * bool(out) + (fill(lines) if kind == "text" else lines)
    return out


def option_list(options):
    out = []
    for option in options:
        out += [".TP", ".B " + literal(flag(option)) if option["value"] is None else
                ".BI %s %s" % (quoted(flag(option) + " "), quoted(option["value"]))]
        out += paragraphs(option["help"])
        if option["repeats"]:
            out.append("(May be given more than once.)")
    return out


def option_groups(groups):
    out = []
    for group in groups:
        out += [".SS " + quoted(group["title"]), *option_list(group["options"])]
    return out


def shared_groups(form):
    """The options that all commands below this one have, in their groups."""
    known = [list(options_of(subcommand).values()) for subcommand in form["subcommands"]]
    groups = [{"title": group["title"],
               "options": [option for option in group["options"] if all(option in options for options in known)]}
              for group in (form["subcommands"] or [{"groups": []}])[0]["groups"]]
    return [group for group in groups if group["options"]]


def subcommands(form):
    """Each command below, with the options that not all of them have."""
    shared = [option for group in shared_groups(form) for option in group["options"]]
    out = []
    for subcommand in form["subcommands"]:
        out += [".SS " + quoted(("%s %s" % (subcommand["name"], subcommand["synopsis"])).strip())]
        summary = subcommand["summary"]
        out += paragraphs(summary[:1].upper() + summary[1:] + ".\n\n" + (subcommand["description"] or ""))
        out += option_list(option for option in options_of(subcommand).values() if option not in shared)
    return out


def examples_of(form):
    return list(dict.fromkeys(text for part in [form, *form["subcommands"]]
                              for text in (part["examples"] or "").splitlines()))


class Pages:
    """All pages: (program, name, section) -> text."""

    def __init__(self, tables, date):
        self.tables = tables
        self.date = time.strftime("%Y-%m-%d", time.gmtime(date))
        self.pages = {("isomer", "isomer", 1): self.overview()}
        for command in tables.commands.values():
            name, section = self.page_of(command)
            self.pages[command.program, name, section] = self.page(command)

    def page_of(self, command):
        if command.program in DAEMONS:
            return command.program, 8
        return "isomer-" + command.name.replace(" ", "-"), 1

    def head(self, name, section, summary):
        return [".\\\" Made from the program's own tables; change those.",
                ".TH %s %d %s %s %s" % (quoted(name.upper()), section, self.date,
                                        quoted("Isomer " + self.tables.version), quoted("Isomer manual")),
                ".nh", ".SH NAME", "%s \\- %s" % (literal(name), line(summary))]

    def synopsis(self, program, form):
        if form["subcommands"] and not form["synopsis"]:
            parts = [self.synopsis(program, subcommand) for subcommand in form["subcommands"]]
            return [text for index, part in enumerate(parts) for text in [".br"] * (index > 0) + part]
        # Commands that may be asked of a device say so.
        device = options_of(form).get("device") if program == "isomer-client" else None
        before = "[%s %s]" % (flag(device), device["value"]) if device else ""
        words = [".B " + literal("isomer"), literal(before), ".B " + literal(form["name"]),
                 literal(form["synopsis"])]
        return [text for text in words if text]

    def page(self, command):
        name, section = self.page_of(command)
        out = self.head(name, section, command.forms[0][1]["summary"]) + [".SH SYNOPSIS"]
        for index, (program, form) in enumerate(command.forms):
            out += [".br"] * (index > 0) + self.synopsis(program, form)
        for index, (_, form) in enumerate(command.forms):
            if index > 0:  # the same name, asked of something else
                out += [".SH " + quoted("TO " + form["summary"].upper())]
            elif form["description"]:
                out += [".SH DESCRIPTION"]
            out += paragraphs(form["description"] or "")
            if form["subcommands"]:
                out += [".SH COMMANDS"] * (index == 0) + subcommands(form)
            groups = [*form["groups"], *(group for group in shared_groups(form) if group not in form["groups"])]
            if groups:
                out += [".SH OPTIONS"] * (index == 0) + option_groups(groups)
        examples = [text for _, form in command.forms for text in examples_of(form)]
        if examples:
            out += [".SH EXAMPLES", *paragraphs("\n".join(examples))]
        files = DAEMONS.get(command.program) or {}
        if files:
            out += [".SH FILES"]
            for path, text in files.items():
                out += [".TP", ".I " + literal(path), line(text)]
        out += [".SH " + quoted("EXIT STATUS"), "See",
                ".BR %s (1)." % literal("isomer"), ".SH " + quoted("SEE ALSO"), ".BR %s (1)" % literal("isomer")]
        return "\n".join(text for text in out if text != "") + "\n"

    def overview(self):
        commands = self.tables.commands.values()
        out = self.head("isomer", 1, "isomorphic WebAssembly for the Internet of Things")
        out += [".SH SYNOPSIS", ".B isomer", "COMMAND [OPTIONS...] [ARGS...]", ".SH DESCRIPTION",
                "Isomer runs WebAssembly programs, stops them anywhere, and continues them",
                "elsewhere: on this machine, and on the devices of a network.", ".PP",
                "Options come before, between or after what else there is;",
                literal("--option VALUE") + " and " + literal("--option=VALUE") + " are the same.",
                ".SH COMMANDS"]
        for command in commands:
            name, section = self.page_of(command)
            out += [".TP", ".BR %s (%d)" % (literal(name), section), *fill([command.forms[0][1]["summary"]])]
        out += [".SH " + quoted("EXIT STATUS")]
        for entry in self.tables.statuses:
            out += [".TP", ".B %d" % entry["status"], *fill([entry["meaning"]])]
        pages = [self.page_of(command) for command in commands]
        out += [".SH " + quoted("SEE ALSO")]
        out += [".BR %s (%d)%s" % (literal(name), section, "," if index + 1 < len(pages) else "")
                for index, (name, section) in enumerate(pages)]
        return "\n".join(out) + "\n"
