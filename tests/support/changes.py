"""Changes to a JSON document, each in one place."""
import copy
import json

WRONG = [None, True, False, -1, 0, 7, 1.5, 2**53, "", "x", "$nobody", "A b", "99999999GiB", [], [1], ["x"], {},
         {"x": 1}]


def places(value, path=()):
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changes(example):
    for path in places(example):
        if isinstance(at(example, path), dict):
            changed = copy.deepcopy(example)
            at(changed, path)["never-heard-of"] = 1
            yield "added to /" + "/".join(map(str, path)), changed
        if not path:
            continue
        changed = copy.deepcopy(example)
        del at(changed, path[:-1])[path[-1]]
        yield "without /" + "/".join(map(str, path)), changed
        for wrong in WRONG:
            changed = copy.deepcopy(example)
            at(changed, path[:-1])[path[-1]] = wrong
            yield f"/{'/'.join(map(str, path))} = {json.dumps(wrong)}", changed
