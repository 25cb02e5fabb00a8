"""The tables of commands of Isomer's programs, as the programs tell them with --help=json."""

import json
import os
import subprocess


class Command:
    """A command, of one program or of several."""

    def __init__(self, name):
        self.name = name
        self.forms = []  # (program, the command's object of --help=json)

    @property
    def program(self):
        return self.forms[0][0]


class Tables:
    """`commands`: name -> Command, in the order of the help; `statuses`, `version`."""

    def __init__(self, build, emulator=()):
        own = self._ask(build, emulator, "isomer")
        self.version, self.statuses = own["version"], own["exit-statuses"]
        self.commands = {}
        self._add("isomer", own)
        programs = dict.fromkeys(entry["program"] for entry in own["programs"])
        for program in programs:
            if os.path.exists(os.path.join(build, program)):
                self._add(program, self._ask(build, emulator, program))

    @staticmethod
    def _ask(build, emulator, program):
        answer = subprocess.run([*emulator, os.path.join(build, program), "--help=json"],
                                stdout=subprocess.PIPE, check=True)
        return json.loads(answer.stdout)

    def _add(self, program, table):
        for command in table["commands"]:
            self.commands.setdefault(command["name"], Command(command["name"])).forms.append((program, command))

    def common(self):
        """Options that a third or more of the commands of isomer-client have: they may stand before the command."""
        sets = [options_of(form) for command in self.commands.values() for program, form in command.forms
                if program == "isomer-client"]
        options = {name: option for known in sets for name, option in known.items()}
        return [option for name, option in options.items()
                if 3 * sum(name in known for known in sets) >= len(sets)]


def own_options(form):
    """Name -> option of the command itself."""
    return {option["name"]: option for group in form["groups"] for option in group["options"]}


def options_of(form):
    """Name -> option of the command and of the commands below it."""
    options = own_options(form)
    for subcommand in form["subcommands"]:
        options.update(own_options(subcommand))
    return options


def flag(option):
    """-o or --option."""
    return ("-" if len(option["name"]) == 1 else "--") + option["name"]
