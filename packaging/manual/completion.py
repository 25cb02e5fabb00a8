"""Completion for bash, made from the tables of commands.

Names in capitals say what is wanted: files and directories are completed. Words in small letters of
a synopsis ("ls | add | rm ID") are offered as they are.
"""

import re

from tables import flag, options_of

# What completes a value or an operand, by its name in the help.
DIRECTORIES = re.compile(r"^(DIR|HOST\[::GUEST\].*)$")
FILES = re.compile(r"^@?(FILE|OUT|PATH|MODULE|DOCUMENT|MANIFEST|PACKAGE|KEY)(\.[a-z]+)?$")
ADDRESS = "HOST:PORT"

HEAD = r"""# bash completion for isomer. Made from the program's own tables; change those.

# Addresses of the devices that this person has paired with.
_isomer_devices() {
    local known=${XDG_CONFIG_HOME:-$HOME/.config}/isomer/devices.json
    [[ ! -r $known ]] || sed -n 's|^  "\([a-z]*://\)\?\([^"]*\)": {.*|\2|p' "$known"
}
"""

MAIN = r"""
_isomer() {
    local cur prev words cword split=false
    _init_completion -s -n : || return
    local command= at=0 i
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        @BEFORE@) ((i++)) ;;
        -*) ;;
        *)
            if [[ -z $command ]]; then
                command=${words[i]} at=$i
            else
                # A command below that one, if it is.
                [[ -z $(_isomer_options "$command ${words[i]}") ]] || command+=" ${words[i]}" at=$i
                break
            fi
            ;;
        esac
    done
    if [[ -z $command ]]; then
        case $prev in
        --device) _isomer_complete "$(_isomer_devices)" ;;
        *) _isomer_complete "@COMMANDS@ @COMMON@" ;;
        esac
        return
    fi
    case $(_isomer_wants "$command" "$prev") in
    files) _filedir ;;
    directories) _filedir -d ;;
    devices) _isomer_complete "$(_isomer_devices)" ;;
    commands) _isomer_complete "@COMMANDS@" ;;
    nothing) ;;
    *)
        if [[ $cur == -* ]]; then
            _isomer_complete "$(_isomer_options "$command")"
        elif $split; then
            return
        else
            local words_of
            words_of=$(_isomer_operands "$command")
            ((at + 1 != cword)) || _isomer_complete "${words_of%%/*}"
            [[ $words_of != */files ]] || _filedir
        fi
        ;;
    esac
} &&
    complete -F _isomer isomer

# Adds what begins with the word at the cursor; a colon is part of a word.
_isomer_complete() {
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur")
    __ltrim_colon_completions "$cur"
}
"""


def kind_of(value):
    if DIRECTORIES.match(value):
        return "directories"
    if FILES.match(value):
        return "files"
    return "devices" if value == ADDRESS else "commands" if value == "COMMAND" else "nothing"


def operands(forms, names):
    """(words, whether files are wanted) of all synopses of a command."""
    words, files = [subcommand["name"].split()[-1] for form in forms for subcommand in form["subcommands"]], False
    for form in forms:
        # Values of options are no operands.
        text = re.sub(r"\[?--?[a-z][a-z-]*( [A-Z:=]+)?\]?", " ", form["synopsis"])
        for token in re.split(r"[\s|]+", text.replace("...", "")):
            token = token.strip("[]")
            if token == "COMMAND":
                words += names
            elif re.fullmatch(r"[a-z][a-z-]*", token):
                words.append(token)
            else:
                files = files or kind_of(token) == "files"
    return list(dict.fromkeys(words)), files


def case_function(name, selector, cases, otherwise=None):
    out = ["", "%s() {" % name, "    case %s in" % selector]
    out += ["    %s) echo %s ;;" % (pattern, text) for pattern, text in cases]
    out += ["    *) echo %s ;;" % otherwise] if otherwise else []
    return "\n".join([*out, "    esac", "}"]) + "\n"


def lines_of(tables):
    """What a line may begin with ("device", "device ls") -> its tables."""
    lines = {}
    for command in tables.commands.values():
        lines[command.name] = [form for _, form in command.forms]
        for form in lines[command.name]:
            for subcommand in form["subcommands"]:
                lines.setdefault(subcommand["name"], []).append(subcommand)
    return lines


def completion(tables):
    names = list(tables.commands)
    common = tables.common()
    options, wants, words = [], {}, []
    for line, forms in lines_of(tables).items():
        flags = {flag(option): option for form in forms for option in options_of(form).values()}
        options.append(("'%s'" % line, '"%s"' % " ".join([*flags, "--help"])))
        for text, option in flags.items():
            if option["value"] is not None:
                wants.setdefault(kind_of(option["value"]), []).append("'%s %s'" % (line, text))
        listed, files = operands(forms, names)
        words.append(("'%s'" % line, '"%s%s"' % (" ".join(listed), "/files" if files else "/")))
    before = "|".join(flag(option) for option in common if option["value"] is not None) or "--device"
    main = MAIN.replace("@BEFORE@", before).replace("@COMMANDS@", " ".join(names))
    main = main.replace("@COMMON@", " ".join([*map(flag, common), "--help", "--version"]))
    return (HEAD + case_function("_isomer_options", '$1', options) +
            case_function("_isomer_wants", '"$1 $2"', [(" | ".join(patterns), kind) for kind, patterns in wants.items()],
                          "operands") +
            case_function("_isomer_operands", '$1', words) + main)
