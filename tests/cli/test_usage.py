"""Commands, options, help texts."""

import json
import os
import pty
import re
import subprocess

from harness import HERE, Failure, Skip, check, match, test

COMMANDS = ("run", "resume", "inspect", "call", "pack", "bindgen", "new", "version", "help")
CLIENT_COMMANDS = ("check", "plan", "deploy", "ls", "ps", "describe", "logs", "call", "move", "flow", "rm", "history",
                   "rollback", "events", "device", "package", "registry", "trust", "key", "sign", "verify", "put", "token",
                   "login", "pair", "owner", "simulate", "up", "down")


@test
def no_command(t):
    """Without arguments the overview goes to standard error, with the status for wrong usage."""
    result = t.expect(t.run(), 64, "Usage: isomer COMMAND", out="")
    for command in COMMANDS:
        match(rf"^  {command} ", result.err)


@test
def help_overview(t):
    """help, --help and -h print the overview."""
    texts = {t.expect(t.run(*args), 0).out for args in (["help"], ["--help"], ["-h"])}
    check(len(texts) == 1 and "First steps" in texts.pop(), "the three differ")


@test
def help_of_each_command(t):
    """Each command has a help text with usage and examples, under both spellings."""
    for command in COMMANDS:
        result = t.expect(t.run("help", command), 0)
        check(f"Usage: isomer {command}" in result.out and "Examples" in result.out, str(result))
        if command != "help":
            t.expect(t.run(command, "--help"), 0, out=result.out)


@test
def tables_as_json(t):
    """--help=json has what the help texts have: of all commands, and of one."""
    whole = json.loads(t.expect(t.run("--help=json"), 0, err="").out)
    check(tuple(command["name"] for command in whole["commands"]) == COMMANDS, str(whole))
    check({"command", "program", "section", "summary"} == set(whole["programs"][0]), str(whole["programs"]))
    check({"status": 65, "meaning": "a file is not what it should be: no valid WebAssembly module, a manifest with "
           "mistakes, a signature that is not right"} in whole["exit-statuses"],
          str(whole["exit-statuses"]))
    for command in whole["commands"]:
        help_text = t.run("help", command["name"]).out
        check(command["summary"] in help_text and command["synopsis"] in help_text, help_text)
        for option in (option for group in command["groups"] for option in group["options"]):
            match(rf"^  --?{option['name']}\b", help_text)
            check(option["help"].split("\n")[0] in help_text, f"{option} is not in {help_text}")
        one = json.loads(t.expect(t.run(command["name"], "--help=json"), 0, err="").out)
        check(one["commands"] == [command], str(one))


def documentation():
    """docs/cli.md without, and only, its section about applications and devices."""
    with open(os.path.join(HERE, "../../docs/cli.md"), encoding="utf-8") as file:
        text = file.read()
    client = text[text.index("\n## Applications and devices\n"):text.index("\n## Signals\n")]
    return text.replace(client, ""), client


@test
def help_has_every_option_of_the_documentation(t):
    """docs/cli.md and the help texts know the same options."""
    documented = set(re.findall(r"`--([a-z-]+)", documentation()[0]))
    known = set()
    for command in COMMANDS:
        known |= set(re.findall(r"^  --([a-z-]+)", t.run("help", command).out, re.MULTILINE))
    documented -= {"option"}
    check(documented == known, f"documented {sorted(documented)}, known {sorted(known)}")


def lines_of(t, command):
    """The command, or the commands below it."""
    below = re.findall(rf"^  ({command} [a-z]+) {{3,}}", t.expect(t.run("help", command), 0).out, re.MULTILINE)
    return [line.split() for line in below] or [[command]]


@test
def commands_of_the_client_are_documented(t):
    """docs/cli.md, the overview and the help texts of isomer-client know the same commands and options."""
    client = os.path.join(os.path.dirname(t.isomer), "isomer-client")
    if t.emulator or not os.path.exists(client):
        raise Skip("isomer-client is not built, or not for this machine")
    text = documentation()[1]
    tables = json.loads(subprocess.run([client, "--help=json"], capture_output=True, check=True).stdout)["commands"]
    names = [command["name"] for command in tables]
    check(names == list(CLIENT_COMMANDS), str(names))
    overview = t.expect(t.run("help"), 0).out
    known = set()
    for command in tables:
        name = command["name"]
        match(rf"^  {name} +", overview)
        for line in lines_of(t, name) if name != "call" else []:
            match(rf"^\|.*`{' '.join(line)}\b", text)
            result = t.expect(t.run("help", *line), 0)
            check(t.expect(t.run(*line, "--help"), 0).out == result.out, f"{line}: {result}")
        for one in command["subcommands"] or [command]:
            known |= {option["name"] for group in one["groups"] for option in group["options"]}
            check((one["groups"] or name == "down") and one["summary"], str(one))
    known = {name for name in known if len(name) > 1}
    documented = set(re.findall(r"--([a-z-]+)", re.sub(r"(?m)^\|?-+\|.*$", "", text)))
    check(documented == known, f"documented {sorted(documented)}, known {sorted(known)}")


@test
def exit_statuses_are_documented(t):
    """`isomer help exit` and docs/cli.md have the same table."""
    with open(os.path.join(HERE, "../../docs/cli.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"^\| (\d+) +\|", file.read(), re.MULTILINE))
    shown = set(re.findall(r"^ +(\d+)  ", t.expect(t.run("help", "exit"), 0).out, re.MULTILINE))
    check(documented == shown, f"documented {sorted(documented)}, shown {sorted(shown)}")


@test
def unknown_commands(t):
    """A mistyped command is suggested; a file is recognised."""
    t.fails(["rnu"], 64, "'rnu' is not a command", "did you mean run?")
    t.fails(["inpsect"], 64, "did you mean inspect?")
    t.fails(["frobnicate"], 64, "'frobnicate' is not a command", "isomer help")
    t.fails(["some/program.wasm"], 64, "did you mean: isomer run some/program.wasm?")
    t.fails(["help", "rsume"], 64, "did you mean resume?")
    t.fails(["--dir", "x"], 64, "options come after a command")


@test
def unknown_options(t):
    """A mistyped option is suggested."""
    t.fails(["run", "--dri", ".", "x.wasm"], 64, "unknown option '--dri'", "did you mean --dir?")
    t.fails(["run", "--timeuot=2s", "x.wasm"], 64, "did you mean --timeout?")
    t.fails(["run", "--frobnicate", "x.wasm"], 64, "unknown option", "isomer help run")
    t.fails(["run", "-m", "x.wasm"], 64, "unknown option '-m'")
    t.fails(["inspect", "--jsn", "x.wasm"], 64, "did you mean --json?")
    t.fails(["resume", "--invoke", "f", "x"], 64, "unknown option '--invoke'")


@test
def wrong_values(t):
    """Values that cannot be are refused with what would be right."""
    hello = t.guest("hello")
    for args, text in (
            (["--memory", "much"], "such as 64MiB"),
            (["--memory", "1.5MiB"], "smaller unit"),
            (["--memory", "0"], "64KiB"),
            (["--stack", "8GiB"], "too large"),
            (["--stack", "1000"], "at least 1KiB"),
            (["--fuel", "-5"], "not a whole number"),
            (["--fuel", "1e6"], "not a whole number"),
            (["--fuel", "99999999999999999999"], "too large"),
            (["--timeout", "5"], "did you mean 5s or 5ms?"),
            (["--timeout", "0s"], "over before it begins"),
            (["--timeout", "0"], "over before it begins"),
            (["--timeout", "5 parsecs"], "no unit of time"),
            (["--env", "=value"], "NAME=VALUE"),
            (["--listen", "8080"], "ADDR:PORT"),
            (["--dir", "::/data"], "before the colons"),
            (["--invoke", ""], "no name"),
            (["--snapshot-at-fuel", "100"], "needs --snapshot")):
        t.fails(["run", *args, hello], 64, text)


@test
def missing_and_repeated(t):
    """Missing values, repeated options, missing and superfluous operands."""
    hello = t.guest("hello")
    t.fails(["run"], 64, "there is no FILE to run")
    t.fails(["run", "--fuel"], 64, "--fuel needs a value: --fuel N")
    t.fails(["run", "--fuel", "100", "--fuel", "200", hello], 64, "--fuel is given twice")
    t.fails(["inspect"], 64, "there is no FILE")
    t.fails(["inspect", hello, hello], 64, "one file at a time")
    t.fails(["inspect", "--json=yes", hello], 64, "takes no value")
    t.fails(["resume"], 64, "there is no FILE")
    t.fails(["resume", "a", "b"], 64, "one too many")
    t.fails(["version", "now"], 64, "nothing to give")
    t.fails(["help", "run", "resume"], 64, "one topic")


@test
def version(t):
    """version, --version and -V; the JSON form is JSON."""
    text = t.expect(t.run("version"), 0).out
    match(r"^isomer \d+\.\d+\.\d+$", text)
    match(r"dispatch by (goto|tail|switch)", text)
    check(t.run("--version").out == text and t.run("-V").out == text, "the spellings differ")
    facts = json.loads(t.expect(t.run("version", "--json"), 0).out)
    check(facts["engine"]["dispatch"] in ("goto", "tail", "switch"), str(facts))
    check("simd" in facts["features"] and "bulk-memory" in facts["features"], str(facts))


@test
def no_colour_when_piped(t):
    """Escape sequences go to terminals only."""
    for args in (["run", "missing.wasm"], ["help"], ["run", "--dri", "x"]):
        result = t.run(*args)
        check("\033" not in result.out + result.err, str(result))


def on_terminal(t, args, env):
    """What the program writes to standard error when that is a terminal."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(t.command(args), stderr=theirs, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, env=t.environment(env), check=False)
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)


@test
def colour_on_a_terminal(t):
    """Colour on a terminal, unless NO_COLOR or a dumb terminal declines it."""
    args = ["run", "missing.wasm"]
    check("\033[" in on_terminal(t, args, None), "no colour on a terminal")
    check("\033[" not in on_terminal(t, args, {"NO_COLOR": "1"}), "colour in spite of NO_COLOR")
    check("\033[" not in on_terminal(t, args, {"TERM": "dumb"}), "colour on a dumb terminal")


@test
def output_to_a_full_disk(t):
    """Output that cannot be written is an error."""
    if not os.path.exists("/dev/full"):
        raise Failure("there is no /dev/full")
    for args in (["version"], ["help"], ["inspect", t.guest("values")],
                 ["run", "--invoke", "add", t.guest("values"), "1", "2"]):
        with open("/dev/full", "wb") as full:
            t.expect(t.run(*args, stdout=full), 74, "cannot write to standard output")
