"""Completion for bash, made from the tables of commands.

Names in capitals say what is wanted: files, directories, devices, applications and components are
completed. Words in small letters of a synopsis ("c|rust|assemblyscript NAME") are offered as they are.
"""

import re

from tables import flag, options_of

# What a value or an operand is, by its name in the help.
KINDS = [
    ("directories", r"DIR|FOLDER|HOST\[::GUEST\].*"),
    ("files", r"@?(FILE|OUT|PATH|MODULE|DOCUMENT|MANIFEST|KEYFILE)(\.[a-z]+)?"),
    ("devices", r"DEVICE|HOST:PORT"),
    ("applications", r"APP"),
    ("components", r"APP/COMPONENT"),
    ("commands", r"COMMAND"),
]

HEAD = r"""# bash completion for isomer. Made from the program's own tables; change those.

# The first column of a table that isomer prints; of an orchestrator that does not answer at once, none.
_isomer_names() {
    timeout 1 "${COMP_WORDS[0]}" "$@" 2>/dev/null | awk 'NR == 1 { next } NF == 0 { exit } { print $1 }'
}

# Devices that the orchestrator has, and addresses that this person has paired with.
_isomer_devices() {
    local known=${XDG_CONFIG_HOME:-$HOME/.config}/isomer/devices.json
    _isomer_names device ls
    [[ ! -r $known ]] || sed -n 's|^  "\([a-z]*://\)\?\([^"]*\)": {.*|\2|p' "$known"
}

# Adds what begins with the word at the cursor; a colon is part of a word.
_isomer_complete() {
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur")
    __ltrim_colon_completions "$cur"
}

# What a value or an operand may be.
_isomer_offer() {
    case $1 in
    files) _filedir ;;
    directories) _filedir -d ;;
    devices) _isomer_complete "$(_isomer_devices)" ;;
    applications) _isomer_complete "$(_isomer_names ls)" ;;
    components) _isomer_complete "$(_isomer_names ps)" ;;
    commands) _isomer_complete "@COMMANDS@" ;;
    =*) _isomer_complete "${1#=}" ;;
    esac
}
"""

MAIN = r"""
_isomer() {
    local cur prev words cword split=false
    _init_completion -s -n : || return
    # The command, one below it, and how many operands stand before the cursor.
    local command='' operands=0 kind i
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        -*=*) ;;
        -*) [[ -z $(_isomer_value "$command ${words[i]}") ]] || ((i++)) ;;
        *)
            if [[ -z $command ]]; then
                command=${words[i]}
            elif [[ $operands == 0 && -n $(_isomer_options "$command ${words[i]}") ]]; then
                command+=" ${words[i]}"
            else
                ((operands++))
            fi
            ;;
        esac
    done
    kind=$(_isomer_value "$command $prev")
    if [[ -n $kind ]]; then
        _isomer_offer "$kind"
    elif [[ $cur == -* ]]; then
        _isomer_complete "$(_isomer_options "$command")"
    elif ! $split; then
        # Kinds of each operand, joined by commas; the last stands for all that follow.
        local -a kinds
        read -ra kinds <<<"$(_isomer_operands "$command")"
        ((operands < ${#kinds[@]})) || operands=$((${#kinds[@]} - 1))
        if ((operands >= 0)); then
            for kind in ${kinds[operands]//,/ }; do
                _isomer_offer "$kind"
            done
        fi
    fi
} &&
    complete -F _isomer isomer
"""


def kind_of(value):
    for kind, pattern in KINDS:
        if re.fullmatch(pattern, value):
            return kind
    return "nothing"


def operands(forms):
    """For each place after the command, the kinds of what may stand there."""
    places, words = [], []
    for form in forms:
        words += ["=" + subcommand["name"].split()[-1] for subcommand in form["subcommands"]]
        # Options and their values are no operands; what stands beside a bar is in the same place.
        text = re.sub(r"\[OPTIONS\.\.\.\]|\[?--?[a-z][a-z-]*( [A-Z:=]+)?\]?", " ", form["synopsis"])
        text = re.sub(r"\s*\|\s*", "|", re.sub(r"\.\.\.|[\[\]]|@?-(?=\W|$)", "", text))
        for index, place in enumerate(text.split()):
            if index == len(places):
                places.append([])
            for token in filter(None, place.split("|")):
                if re.fullmatch(r"[a-z][a-z-]*", token):
                    words.append("=" + token)
                else:
                    places[index].append(kind_of(token))
    if words:
        places = [words + (places[0] if places else []), *places[1:]]
    # Nothing follows the last place but for more of it where the synopsis says so.
    if not any("..." in form["synopsis"] for form in forms):
        places.append(["nothing"])
    return " ".join(",".join(dict.fromkeys(place)) or "nothing" for place in places)


def case_function(name, selector, cases):
    body = ["    %s) echo '%s' ;;" % (pattern, text) for pattern, text in cases]
    return "\n".join(["", "%s() {" % name, "    case %s in" % selector, *body, "    esac", "}"]) + "\n"


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
    names = " ".join(tables.commands)
    common = {flag(option): option for option in tables.common()}
    options, values, places = [("''", " ".join([*common, "--help", "--version"]))], {}, [("''", "commands")]
    flags_of = {"": common}
    for line, forms in lines_of(tables).items():
        flags_of[line] = {flag(option): option for form in forms for option in options_of(form).values()}
        options.append(("'%s'" % line, " ".join([*flags_of[line], "--help"])))
        places.append(("'%s'" % line, operands(forms)))
    for line, flags in flags_of.items():
        for text, option in flags.items():
            if option["value"] is not None:
                values.setdefault(kind_of(option["value"]), []).append("'%s %s'" % (line, text))
    return (HEAD.replace("@COMMANDS@", names) + case_function("_isomer_options", '"$1"', options) +
            case_function("_isomer_value", '"$1"', [(" | ".join(lines), kind) for kind, lines in values.items()]) +
            case_function("_isomer_operands", '"$1"', places) + MAIN)
