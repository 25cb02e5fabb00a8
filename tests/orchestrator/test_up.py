"""The commands with the real daemons: `isomer up`, and what people do next."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

from harness import HERE, Failure, Skip, check, match, test
from test_cli import environment, run
from test_local import daemon, notes, until

TOP = os.path.dirname(os.path.dirname(HERE))


def hello(t):
    """The example application, built, in a folder of the test's own."""
    for program in ("clang", "wasm-ld"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    subprocess.run([os.path.join(TOP, "examples/build.sh"), "hello", t.isomer], check=True)
    return shutil.copytree(os.path.join(TOP, "examples/hello"), t.path("hello"))


@contextlib.contextmanager
def up(t, devices="kitchen,den", *options):
    given = ["--devices", devices] if devices else []
    told = t.expect(run(t, "up", "--detach", "--no-mdns", *given, *options, "--name", "house"), 0, "isomer down")
    try:
        yield told
    finally:
        t.expect(run(t, "down"), 0, "stopped house")
        check(not notes(t), str(notes(t)))


def places(t, app="hello"):
    """Component -> device."""
    return {one["name"]: one["device-name"] for one in json.loads(run(t, "ps", app, "--json").out)[0]["components"]}


@test
def from_nothing_to_an_application(t):
    """up, deploy, ps, call; again after a restart; down leaves nothing behind."""
    folder = hello(t)
    with up(t):
        listed = run(t, "device", "ls").out
        check("kitchen" in listed and "den" in listed, listed)
        t.expect(run(t, "deploy", folder), 0, ["sent ", "hello runs: generation 1"])
        t.expect(run(t, "deploy", folder), 0, ["nothing is new", "hello runs: generation 1"])
        check(sorted(places(t).values()) == ["den", "kitchen"], str(places(t)))
        for number in (1, 2):
            check(run(t, "call", "hello/greeter", "greet", "name=you").out ==
                  f'"Hello, you! You are number {number}."\n', "call")
        t.expect(run(t, "call", "hello/greeter", "greet"), 64, "name")
        t.expect(run(t, "call", "hello/greeter", "gret", "name=you"), 64, "greet")
        described = t.expect(run(t, "describe", "hello/greeter"), 0).out
        check("greet(name: string) -> string" in described and "apart" in described, described)
        check("interface greetings" in run(t, "describe", "--wit", "hello/greeter").out, "WIT")
        check(json.loads(run(t, "describe", "--td", "hello/greeter").out)["@context"], "a Thing Description")
        check(re.search(r"^state +running$", run(t, "describe", "hello").out, re.MULTILINE), "of the application")
        t.expect(run(t, "up", "--detach", "--no-mdns", "--devices", "kitchen"), 71, ["isomer up runs already", "in use by another"])
        t.expect(run(t, "up", "--devices", "a,b,a"), 64, "a stands there twice")
    t.expect(run(t, "ls"), 71, "no orchestrator runs")
    with up(t):
        check(re.search(r"hello +running +1 ", run(t, "ls").out), str(run(t, "ls")))
        until(lambda: "number 1" in run(t, "call", "hello/greeter", "greet", "name=you").out)
        with open(os.path.join(folder, "app.json"), encoding="utf-8") as file:
            nowhere = json.load(file)
        nowhere["components"]["counter"]["place"] = {"label": "nowhere"}
        with open(os.path.join(folder, "app.json"), "w", encoding="utf-8") as file:
            json.dump(nowhere, file)
        t.expect(run(t, "deploy", folder), 72, ["lacks the label nowhere", "generation 1 of hello runs on"])
        t.expect(run(t, "package", "push", os.path.join(folder, "greeter.wasm")), 0)
        shown = t.expect(run(t, "package", "show", "greeter"), 0).out
        check("greet: func(name: string)" in shown and shown.endswith("with isomer:counter@1.0.0 (--json has it)\n") and
              "A number that goes up" not in shown, shown)
        t.expect(run(t, "rm", "hello"), 0, "hello is removed")
        t.expect(run(t, "ls"), 0, "no application is deployed")  # whatever failed before
    t.expect(run(t, "down"), 0, "nothing runs")


@test
def a_new_application(t):
    """What `new app` prints brings it to life, word for word, on a machine where nothing runs and in a network of its
    own; its flow goes through both components."""
    told = t.expect(run(t, "new", "app", "c", "my-lab"), 0).out.splitlines()
    check(told[0] == "my-lab is there; go on with" and all(line.startswith("  ") for line in told[1:]), str(told))
    for program in ("clang", "wasm-ld", "make"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    if subprocess.run(["unshare", "-rn", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no network namespaces here")
    t.write("script", "\n".join(["ip link set lo up", "trap 'isomer down' EXIT", "set -e", *told[1:],
                                 "isomer flow start my-lab/greet '[5]' || echo ended with $?", "isomer ls"]))
    path = os.path.dirname(os.path.abspath(t.isomer)) + ":" + os.environ["PATH"]
    done = subprocess.run(["unshare", "-rn", "sh", t.path("script")], cwd=t.dir, text=True, check=False, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment(t, PATH=path)})
    check(done.returncode == 0 and '\n"hello, hello, you"\n' in done.stdout, done.stdout)
    check("name: expected string, found an array\nended with 64\n" in done.stdout, done.stdout)
    check(re.search(r"^my-lab +running +1 +2 *$", done.stdout, re.M), done.stdout)
    check(not notes(t), str(notes(t)))


@test
def new_applications_that_cannot_be(t):
    """In each language the same manifest and no README, which would tell of the module alone; names and folders that
    cannot be are refused, and nothing is made."""
    for language, source in (("c", "main.c"), ("rust", "lib.rs"), ("assemblyscript", "assembly/index.ts")):
        check("cd in-" + language in t.expect(run(t, "new", "app", language, "in-" + language), 0).out, language)
        there = os.listdir(t.path("in-" + language))
        check({"app.json", "Makefile", f"in-{language}.wit"} < set(there) and "README.md" not in there, str(there))
        check(os.path.exists(t.path(f"in-{language}/{source}")), source)
        manifest = json.loads(t.read(f"in-{language}/app.json"))
        check(manifest["app"] == "in-" + language and list(manifest["components"]) == ["first", "second"] and
              all(one == {"package": f"file:in-{language}.wasm"} for one in manifest["components"].values()), str(manifest))
    made = sorted(os.listdir(t.dir))
    for words, part in ((["app"], "there is no language"), (["app", "c"], "there is no NAME"),
                        (["app", "cobol", "x"], "there is no language 'cobol'"), (["app", "c", "world"], "a word of WIT"),
                        (["app", "c", "My_App"], "cannot be the name"), (["app", "c", 33 * "a"], "at most 32 in all"),
                        (["app", "c", "a", "b"], "one name at a time"), (["application", "c", "x"], "one name at a time")):
        t.expect(run(t, "new", *words), 64, part, out="")
    t.expect(run(t, "new", "app", "c", "in-c"), 74, ["cannot make the folder 'in-c'", "nothing that is there is changed"])
    check(sorted(os.listdir(t.dir)) == made, str(os.listdir(t.dir)))
    for words in (["new", "app", "--help"], ["help", "new", "app"]):
        check("Usage: isomer new app c|rust|assemblyscript NAME" in t.expect(run(t, *words), 0).out, " ".join(words))
    t.expect(run(t, "help", "new", "ap"), 64, "did you mean new app?")
    check("\n  new app " in run(t, "help", "new").out, "help of new")


@test
def a_component_moves(t):
    """A further device of this machine is added by its name; the counter goes there with its number."""
    folder = hello(t)
    with up(t), daemon(t, "supervisor", "--state", "h", "--name", "hall", "--no-mdns"):
        t.expect(run(t, "deploy", folder), 0)
        check("number 1" in run(t, "call", "hello/greeter", "greet", "name=you").out, "1")
        t.expect(run(t, "device", "add", "hall"), 0, "hall is a device of house")
        t.expect(run(t, "device", "add", "hall"), 0, "hall is a device of house")  # once more changes nothing
        check(run(t, "device", "ls").out.count("hall") == 1, run(t, "device", "ls").out)
        t.expect(run(t, "move", "hello/counter", "hall"), 0, "counter moved to hall; it stood still for")
        check(places(t)["counter"] == "hall", str(places(t)))
        check("number 2" in run(t, "call", "hello/greeter", "greet", "name=you").out, "2: it has its number still")
        t.expect(run(t, "move", "hello/counter", "nowhere"), 77, "nowhere")
        t.expect(run(t, "rollback", "hello"), 0, "hello runs: generation 3")
        check("number" in run(t, "call", "hello/greeter", "greet", "name=you").out, "after going back")
        history = run(t, "history", "hello").out
        check(history.count("\n") == 4 and "move: counter to hall" in history and "rollback: to generation 1" in history, history)
        events = run(t, "events").out
        check("moved" in events and "deployed" in events, events)


@test
def ports_that_others_have_now(t):
    """Started again when another supervisor has a port of theirs, the devices have other ones: all are up at once."""
    with up(t):
        before = json.loads(run(t, "device", "ls", "--json").out)
    check(all(one["address"].startswith("https://127.0.0.1:") and one["pin"] for one in before["devices"]),
          "by their certificates: %s" % before)
    with contextlib.ExitStack() as hall:
        hall.enter_context(daemon(t, "supervisor", "--state", "h", "--name", "hall", "--no-mdns"))
        with up(t):  # which ends with 0 only when all are up
            after = json.loads(run(t, "device", "ls", "--json").out)
            check("device-refuses" not in run(t, "events").out, run(t, "events").out)
            hall.close()
    ids, addresses = ([{one["name"]: one[key] for one in listed["devices"]} for listed in (before, after)]
                      for key in ("id", "address"))
    check(ids[0] == ids[1], str(ids))
    check(addresses[0] != addresses[1], "the ports are the same as before: %s" % addresses)


@test
def other_devices_than_before(t):
    """A device is the same one again by its name, and no other: whichever stands first."""
    listed = []
    for names in ("kitchen,den", "cellar", "den,kitchen"):
        with up(t, names):  # which ends with 0 only when all are up
            listed.append({one["name"]: one for one in json.loads(run(t, "device", "ls", "--json").out)["devices"]})
            ups = {name for name, one in listed[-1].items() if one["state"] == "up"}
            check(ups == set(names.split(",")), str(listed[-1]))
    check(listed[0]["kitchen"]["id"] == listed[2]["kitchen"]["id"], str(listed))


@test
def up_when_a_device_is_not(t):
    """--detach ends with 0 only when all are up: here the kitchen that the orchestrator knows is gone for good."""
    with up(t, "kitchen"):
        pass
    shutil.rmtree(t.path("state/isomer-kitchen"))  # its key: what starts next is another device
    try:
        t.expect(run(t, "up", "--detach", "--no-mdns", "--devices", "kitchen", "--name", "house"), 71,
                 ["kitchen is called kitchen-2 here", "isomer device rm --forget kitchen", "not every device is up"])
        check("kitchen-2" in run(t, "device", "ls").out, "it runs on")
    finally:
        t.expect(run(t, "down"), 0)


@test
def devices_with_configurations(t):
    """--config: a file for each device, which says what it has; without --devices those are the devices."""
    for name in ("site", "empty"):
        os.mkdir(t.path(name))
    t.write("site/hall.json", json.dumps({"labels": {"room": "hall"}, "devices": {"displays": ["wall"]}}))
    t.write("site/attic.json", json.dumps({"devices": {"simulated-sensors": {"air/temp": {"value": 21}}}}))
    t.write("empty/readme.txt", "")
    with up(t, None, "--config", "site"):
        listed = run(t, "device", "ls").out
        check("room=hall" in listed and "attic" in listed and listed.count("\n") == 3, listed)
        match(r"^air/temp +21$", run(t, "--device", "attic", "simulate").out)
        t.expect(run(t, "--device", "hall", "simulate"), 0, "nothing is simulated on hall")
    with up(t, "hall", "--config", "site") as told:
        check("attic.json in site is not used: --devices names no device attic" in told.err, told.err)
    t.expect(run(t, "up", "--config", "empty", "--devices", "hall"), 66, "no hall.json")
    t.expect(run(t, "up", "--config", "empty"), 66, "no NAME.json")
    t.expect(run(t, "up", "--config", "nowhere"), 66, "nowhere")


@test
def pairing_with_a_code(t):
    """A device that is not of this machine, as far as the orchestrator knows, is paired over HTTPS."""
    with up(t, "kitchen"), daemon(t, "supervisor", "--state", "h", "--name", "hall", "--no-mdns") as hall:
        port = match(r" https=(\d+) ", hall.lines).group(1)
        address = "https://127.0.0.1:" + port
        t.expect(run(t, "device", "add", address), 77, ["has to be paired", "CODE"])
        check(address in run(t, "device", "ls").out, run(t, "device", "ls").out)
        t.expect(run(t, "device", "pair", address, "AAAA-AAAA-AAAA-AAAA"), 77)
        code = t.expect(run(t, "--device", "hall", "pair"), 0).out.strip()
        t.expect(run(t, "device", "pair", address, code, "--name", "lobby"), 0, "lobby is a device of house")
        until(lambda: re.search(r"^state +up$", run(t, "device", "show", "lobby").out, re.MULTILINE))
        t.expect(run(t, "device", "label", "lobby", "room=lobby"), 0)
        check("room=lobby" in run(t, "device", "ls").out, "label")
        match(r"^house$", run(t, "--device", "hall", "owner").out)
        t.expect(run(t, "device", "rm", "lobby"), 0)
        match(r"^nobody$", run(t, "--device", "hall", "owner").out)


@test
def what_cannot_be(t):
    """Mistakes are pointed at in the manifest; what fits nowhere fails, says why, and leaves what runs."""
    folder = hello(t)
    with up(t, "kitchen"):
        with open(t.path("hello/app.json"), encoding="utf-8") as file:
            manifest = file.read()
        result = t.expect(run(t, "deploy", folder), 72, "hello generation 1: failed")
        check("counter" in result.err or "greeter" in result.err, str(result))
        t.write("hello/app.json", manifest.replace(', "place": { "apart": "counter" }', ""))
        t.expect(run(t, "deploy", folder), 0, "generation 2")
        t.write("hello/app.json", manifest)
        t.expect(run(t, "deploy", folder), 72, ["failed", "generation 2 of hello runs on"])
        check("number 1" in run(t, "call", "hello/greeter", "greet", "name=you").out, "it does")
        t.write("hello/app.json", manifest.replace('"mode": "service"', '"mode": "servant"'))
        for command in ("check", "plan", "deploy"):
            result = t.expect(run(t, command, folder), 65, ["app.json:5:", "servant", "^"])
        t.write("hello/app.json", manifest[:-4])
        t.expect(run(t, "check", folder), 65, "app.json:")
        t.expect(run(t, "deploy", folder), 65, "app.json:")


@test
def a_device_is_drained(t):
    """It is waited for; what no other device can take stays, is named, and is no success."""
    folder = hello(t)
    with up(t, "den,hall,kitchen"):
        t.expect(run(t, "deploy", folder), 0)
        device = places(t)["counter"]
        t.expect(run(t, "device", "drain", device), 0, f"{device} is empty, and nothing new is put there")
        left = places(t)
        check(device not in left.values() and len(set(left.values())) == 2, str(left))
        stays = t.expect(run(t, "device", "drain", left["counter"]), 72, ["no other device can take", "hello/counter", "--verbose"])
        check("hello/greeter" not in stays.err and places(t) == left, str(stays))
        t.expect(run(t, "device", "drain", "--off", device), 0, "is used again")
        t.expect(run(t, "device", "drain", "nobody"), 77, ["no device has the name or id 'nobody'", "isomer device ls"])


@test
def up_in_the_foreground(t):
    """Each line has the name of who says it; a signal stops all; what ends otherwise comes back."""
    def start():
        return subprocess.Popen([t.isomer, "up", "--no-mdns", "--devices", "kitchen,den", "--state", "site"],
                                stderr=subprocess.PIPE, cwd=t.dir, env=t.environment(environment(t)), text=True)

    def read_until(process, text):
        lines = ""
        for line in process.stderr:
            lines += line
            if text in line:
                return lines
        raise Failure(lines)

    with start() as process:
        lines = read_until(process, "Ctrl-C")
        match(r"^kitchen +\| .*supervisor: device=", lines)
        match(r"^orchestrator \| .*serving", lines)
        check(sorted(os.listdir(t.path("site"))) == ["den", "kitchen", "orchestrator"], os.listdir(t.path("site")))
        process.send_signal(signal.SIGINT)
        process.stderr.read()
    check(process.returncode == 0 and not notes(t), f"{process.returncode} {notes(t)}")
    with start() as process:
        read_until(process, "Ctrl-C")
        pid = [int(re.search(r"-(\d+)\.", name).group(1)) for name in notes(t) if name.startswith("supervisor")][0]
        os.kill(pid, signal.SIGKILL)
        match(r"has ended \(status 137\) and is started again in 1 s", read_until(process, "started again"))
        read_until(process, "supervisor: device=")
        until(lambda: run(t, "device", "ls").out.count(" up ") == 2)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    check(process.returncode == 0 and not notes(t), f"{process.returncode} {notes(t)}")
