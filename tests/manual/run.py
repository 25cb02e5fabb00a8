#!/usr/bin/env python3
"""Manual pages and completion, as man, mandoc and bash see them.

usage: run.py --build FOLDER

FOLDER has the programs and packaging/manual. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from suite import Tally  # noqa: E402  pylint: disable=wrong-import-position

ENV = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANROFFOPT": "-rHY=0", "GROFF_NO_SGR": "1"}
LOADER = "/usr/share/bash-completion/bash_completion"

# What an isomer prints that has an orchestrator.
STUB = """#!/bin/sh
case "$*" in
"device ls") printf 'DEVICE   STATE\\nkitchen  ok\\n\\nFOUND   ADDRESS\\nnobody  192.0.2.9\\n' ;;
ls) printf 'APPLICATION  STATE\\nvideo        running\\n' ;;
ps) printf 'COMPONENT     DEVICE\\nvideo/scaler  kitchen\\n' ;;
esac
"""

# What is typed, and what is among the offers; none: nothing is.
OFFERS = [
    ("isomer res", ["resume"]),
    ("isomer ", ["run", "supervisor", "ps"]),
    ("isomer --de", ["--device"]),
    ("isomer run --sn", ["--snapshot", "--snapshot-at-fuel"]),
    ("isomer run --snapshot-at-fuel ", []),
    ("isomer run pro", ["program.wasm"]),
    ("isomer run --dir fol", ["folder"]),
    ("isomer run --dir=fol", ["folder"]),
    ("isomer run --dir pro", []),
    ("isomer help ins", ["inspect"]),
    ("isomer new r", ["rust"]),
    ("isomer new a", ["app", "assemblyscript"]),
    ("isomer new app r", ["rust"]),
    ("isomer token p", ["psk"]),
    ("isomer token ", ["ls", "add", "rm"]),
    ("isomer token add --r", ["--read"]),
    ("isomer token ls --r", []),
    ("isomer inspect program.wasm ", []),
    ("isomer call program.wasm ", []),
    ("isomer --device kit", ["kitchen"]),
    ("isomer rm vi", ["video"]),
    ("isomer move video/sc", ["video/scaler"]),
    ("isomer move video/scaler kit", ["kitchen"]),
    ("isomer device show l", ["lobby:8443"]),
    ("isomer --device 192.0.2.7:8", ["8443"]),  # bash itself has the part before the last colon
    ("isomer --device lobby:8443 lo", ["logs", "login"]),
    ("isomer ps --device lob", ["lobby:8443"]),
    ("isomer supervisor --state fol", ["folder"]),
    ("isomer nothing ", []),
]


def told(tally, name, problem):
    tally.note("FAIL" if problem else "ok", name, problem)


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, check=False, env=ENV, **options)


def rendered(path):
    """The page's text without overstrikes, or None with what man has to say."""
    result = run("man", "--warnings", "-E", "UTF-8", "-l", path)
    return re.sub(".\b", "", result.stdout) if result.returncode == 0 else None, result.stderr


def help_of(isomer, command):
    """The help of a command and of those below it."""
    text = run(isomer, "help", command).stdout
    below = re.findall(r"^  %s ([a-z-]+) " % command, text.partition("\nExamples\n")[0], re.MULTILINE)
    return text + "".join(run(isomer, "help", command, word).stdout for word in below)


def absent(build):
    """Commands of programs that this build does not have."""
    programs = json.loads(run(os.path.join(build, "isomer"), "--help=json").stdout)["programs"]
    return {entry["command"] for entry in programs if not os.path.exists(os.path.join(build, entry["program"]))}


def test_pages(tally, build, folder):
    """No warnings, and every option and example of the help is in the page."""
    commands = set()
    for path in sorted(glob.glob(os.path.join(folder, "*", "man[18]", "*"))):
        name = os.path.basename(path)
        text, warnings = rendered(path)
        problem = warnings.strip() if text is None or warnings.strip() else ""
        lint = run("mandoc", "-Tlint", "-W", "style", path)
        problem = problem or lint.stdout.strip()
        command = re.fullmatch(r"isomer-(.*)\.[18]", name)
        if command and not problem:
            commands.add(command.group(1))
            shown = help_of(os.path.join(build, "isomer"), command.group(1))
            flags = re.findall(r"^  (--?[a-z][a-z-]*)", shown, re.MULTILINE)
            examples = re.findall(r"^  (isomer .*)", shown, re.MULTILINE)
            missing = [word for word in [*flags, *examples] if word not in text]
            problem = "not in the page: %s" % missing if missing else ""
        told(tally, name, problem)
    overview = run(os.path.join(build, "isomer"), "help").stdout
    listed = set(re.findall(r"^  ([a-z]+) ", overview.partition("\nFirst steps\n")[0], re.MULTILINE))
    missing = {command for command in listed - absent(build) if command not in commands}
    told(tally, "every command has a page", "none for %s" % sorted(missing) if missing else "")


def offers(completion, folder, typed):
    """What bash offers where the line ends."""
    script = """
        cd "$1" && . "$2" && . "$3" || exit 1
        COMP_LINE=$4 COMP_POINT=${#4}
        # Words as bash parts them, at colons and equals signs too.
        mapfile -t COMP_WORDS < <(grep -oE '[^ :=]+|[:=]+' <<<"$4")
        [[ $4 != *[\\ :=] ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _isomer
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    env = {**ENV, "XDG_CONFIG_HOME": os.path.join(folder, "config"), "PATH": folder + ":" + ENV["PATH"]}
    result = subprocess.run(["bash", "--norc", "-c", script, "bash", folder, LOADER, completion, typed],
                            capture_output=True, text=True, check=False, env=env)
    return result.stdout.split(), result.stderr


def test_completion(tally, completion):
    """Commands, options, files, directories and known devices are offered where they belong."""
    syntax = run("bash", "-n", completion)
    told(tally, "the completion is a script", syntax.stderr)
    if not os.path.exists(LOADER):
        tally.note("skip", "completion", "bash-completion is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="isomer-completion-") as folder:
        os.makedirs(os.path.join(folder, "folder"))
        with open(os.path.join(folder, "isomer"), "w", encoding="utf-8") as file:
            file.write(STUB)
        os.chmod(os.path.join(folder, "isomer"), 0o755)
        os.makedirs(os.path.join(folder, "config", "isomer"))
        with open(os.path.join(folder, "program.wasm"), "w", encoding="utf-8"):
            pass
        with open(os.path.join(folder, "config", "isomer", "devices.json"), "w", encoding="utf-8") as file:
            file.write('{\n  "https://192.0.2.7:8443": {\n    "pin": "x"\n  },\n  "https://lobby:8443": {\n    "pin": "y"\n  }\n}\n')
        for typed, expected in OFFERS:
            offered, errors = offers(completion, folder, typed)
            problem = errors or [word for word in expected if word not in offered] or (offered if not expected else "")
            told(tally, "'%s'" % typed, "offered %s%s" % (offered, errors) if problem else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    folder = os.path.join(build, "packaging", "manual")
    tally = Tally()
    missing = [program for program in ("man", "mandoc") if shutil.which(program) is None]
    if missing:
        tally.note("skip", "pages", "%s is not installed" % missing[0])
    else:
        test_pages(tally, build, folder)
    test_completion(tally, os.path.join(folder, "completions", "isomer"))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
