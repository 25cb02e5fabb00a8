#!/usr/bin/env python3
"""Makes manual pages and completion from the tables of commands.

usage: generate.py --build FOLDER --out FOLDER [--date SECONDS] [--emulator COMMAND]

FOLDER of --build has the programs. OUT gets PROGRAM/manN/NAME.N for each program that has commands,
and completions/isomer.
"""

import argparse
import os
import shlex
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from completion import completion  # noqa: E402  pylint: disable=wrong-import-position
from pages import Pages  # noqa: E402  pylint: disable=wrong-import-position
from tables import Tables  # noqa: E402  pylint: disable=wrong-import-position


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", type=int, default=0, help="of the pages, in seconds since 1970; today")
    parser.add_argument("--emulator", default="", help="runs the programs: words, or a list of CMake")
    options = parser.parse_args()
    tables = Tables(options.build, shlex.split(options.emulator.replace(";", " ")))
    shutil.rmtree(options.out, ignore_errors=True)
    for (program, name, section), text in Pages(tables, options.date or time.time()).pages.items():
        write(os.path.join(options.out, program, "man%d" % section, "%s.%d" % (name, section)), text)
    write(os.path.join(options.out, "completions", "isomer"), completion(tables))


if __name__ == "__main__":
    main()
