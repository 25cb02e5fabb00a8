"""How the commands ask, wait and print: against an orchestrator that does nothing (fake.py)."""

import base64
import contextlib
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess

from fake import Fake
from harness import Skip, check, match, test

MANIFEST = """{
  "app": "hello",
  "components": {
    "greeter": { "package": "file:greeter" },
    "counter": { "package": "file:counter.wasm", "interface": "extra.wit" }
  }
}
"""


def environment(t, **more):
    """Nothing of this machine's own: no orchestrator, no devices, no keys."""
    return {"HOME": t.dir, "XDG_CONFIG_HOME": t.path("config"), "XDG_STATE_HOME": t.path("state"),
            "ISOMER_RUNTIME_DIR": t.path("run"), "ISOMER_TOKEN": "", "ISOMER_DEVICE": "", "ISOMER_ORCHESTRATOR": "",
            **more}


@contextlib.contextmanager
def orchestrator(t):
    with Fake(t.path("state/isomer-orchestrator")) as fake:
        yield fake


def run(t, *args, **options):
    return t.run(*args, env=environment(t), **options)


def application(t):
    """A manifest with the files that it names; its folder."""
    os.makedirs(t.path("hello/greeter"))
    t.write("hello/app.json", MANIFEST)
    t.write("hello/greeter/greeter.wasm", b"\0asm\1\0\0\0")
    t.write("hello/greeter/greeter.wit", "package demo:greeter;\n")
    t.write("hello/counter.wasm", b"\0asm\1\0\0\0\0\1\0")
    t.write("hello/extra.wit", "package demo:extra;\n")
    return t.path("hello")


# ---- Whom the commands ask ----


@test
def nobody_is_there(t):
    """Without an orchestrator the message says how to start one, and how to name another."""
    for command in (["ls"], ["deploy"], ["device", "ls"]):
        result = t.expect(run(t, *command), 71, ["no orchestrator runs on this machine", "isomer up", "--orchestrator"])
        check(result.out == "", str(result))
    t.expect(run(t, "ps"), 71, "--device")


@test
def the_orchestrator_of_this_machine_is_found(t):
    """By its state directory; a note that its process left behind is not believed."""
    with orchestrator(t) as fake:
        t.expect(run(t, "ls"), 0, "no application is deployed")
        shutil.copytree(fake.state, t.path("elsewhere"))
        t.expect(run(t, "--orchestrator", t.path("elsewhere"), "ls"), 0)
        t.expect(run(t, "ls", "--orchestrator", fake.url, "--token", "@" + fake.state + "/token"), 0)
        wrong = t.run("ls", env=environment(t, ISOMER_ORCHESTRATOR=fake.url, XDG_STATE_HOME=t.path("none"),
                                            ISOMER_TOKEN="x.y"))
        t.expect(wrong, 77, ["a token is needed", "HTTP 401"])
        t.write("state/isomer-orchestrator/local.json", json.dumps({"url": fake.url, "pid": 2 ** 22 + 1}))
        t.expect(run(t, "ls"), 71, "no orchestrator runs")
        os.makedirs(t.path("empty"))
        t.expect(run(t, "--orchestrator", t.path("empty"), "ls"), 71, "isomer orchestrator --state")
    t.expect(run(t, "--orchestrator", "127.0.0.1:1", "--token", "x", "ls"), 71, "does not answer")
    for place in ("192.0.2.1", "127.evil.example:8490", "127.0.0.1.evil.example", "localhost.evil.example",
                  "127.0.0.1:8490@evil.example", "[::1]evil"):
        for option in ("--orchestrator", "--device"):
            t.expect(run(t, option, "http://" + place, "--token", "a.b", "ps"), 64, "plain HTTP")
    t.expect(run(t, "--orchestrator", "x", "--device", "y", "ls"), 64, "one of them")


@test
def a_token_goes_to_its_daemon_only(t):
    """The token in a state directory is for the daemon that says there that it listens at the address: not for another
    process that has taken the port."""
    with orchestrator(t) as fake:
        port = fake.url.rsplit(":", 1)[1]
        os.makedirs(t.path("state/isomer"))
        shutil.copy(t.path("state/isomer-orchestrator/token"), t.path("state/isomer/token"))
        for option, state in (("--orchestrator", "isomer-orchestrator"), ("--device", "isomer")):
            here = [option, fake.url, "flow", "ls", "hello"]
            local = "state/%s/local.json" % state
            for said in ({"url": "http://127.0.0.1:1", "pid": os.getpid()}, {"url": fake.url, "pid": 2 ** 22 + 1}, None):
                if said is not None:
                    t.write(local, json.dumps(said))
                elif os.path.exists(t.path(local)):
                    os.remove(t.path(local))
                t.expect(run(t, *here), 77, "a token is needed")
            t.write(local, json.dumps({"url": fake.url, "pid": os.getpid()}))
            for place in (fake.url, "127.0.0.1:" + port, ":" + port, "localhost:" + port):
                result = run(t, option, place, *here[2:])
                check("a token is needed" not in result.err, str(result))


# ---- Deploying ----


@test
def interfaces_are_sent_whole(t):
    """A WIT text beside a module gets the packages that it refers to: what asks for it has no files."""
    folder = application(t)
    text = "package demo:greeter;\nworld greeter { import %s; }\n"
    with orchestrator(t) as fake:
        t.write("hello/greeter/greeter.wit", text % "isomer:device/log@0.1.0")
        t.expect(run(t, "deploy", folder), 0)
        sent = fake.bodies("PUT", "/v1/apps/hello")[0]["files"]["file:greeter"]["wit"]
        check(sent.startswith(text % "isomer:device/log@0.1.0") and "package isomer:device@0.1.0 {" in sent, sent)
        t.write("hello/greeter/greeter.wit", text % "isomer:device/lgo@0.1.0")
        t.expect(run(t, "deploy", folder), 65, ["app.json:", "greeter.wit:2:", "did you mean 'log'?"])


@test
def deploying(t):
    """Modules are sent once, with what lies beside them; each step is told; the table says where it runs."""
    folder = application(t)
    with orchestrator(t) as fake:
        result = t.expect(run(t, "deploy", folder), 0, ["planning", "preparing, den upload 1 of 2 MiB",
                                                        "committing, hall commit", "hello runs: generation 1"])
        check(re.search(r"greeter +den +running", result.out), str(result))
        body = fake.bodies("PUT", "/v1/apps/hello")[0]
        check(body["manifest"] == MANIFEST and body["force"] is False, str(body))
        check(body["files"]["file:greeter"]["wit"] == "package demo:greeter;\n", str(body))
        check("wit" not in body["files"]["file:counter.wasm"], str(body))
        check(body["files"]["extra.wit"] == {"text": "package demo:extra;\n"}, str(body))
        digests = {body["files"][name]["digest"] for name in ("file:greeter", "file:counter.wasm")}
        check(digests == set(fake.packages), f"{digests} {fake.packages}")
        again = t.expect(run(t, "deploy", cwd=folder), 0, "generation 2")
        check("sent" not in again.err, str(again))
        piped = t.expect(run(t, "deploy", "-", "--no-wait", stdin=MANIFEST.encode(), cwd=folder), 0, "is accepted")
        check(piped.out == "", str(piped))
        answer = json.loads(t.expect(run(t, "deploy", folder, "--json"), 0, err="").out)
        check(answer["state"] == "committed", str(answer))
        check(run(t, "deploy", folder, "--json").err == "", "no progress beside JSON")


@test
def a_deployment_that_fails(t):
    """Its own status, with the device and the reason; what ran before is named."""
    folder = application(t)
    with orchestrator(t) as fake:
        t.expect(run(t, "deploy", folder), 0)
        fake.ends_as, fake.error = "failed", "prepare failed on hall"
        t.expect(run(t, "deploy", folder), 72, ["hello generation 2: failed: prepare failed on hall",
                                                "hall: the disk is full", "generation 1 of hello runs on"])
        fake.ends_as, fake.error = "superseded", ""
        t.expect(run(t, "deploy", folder), 72, "superseded")


@test
def a_deployment_that_waits(t):
    """What is decided but not confirmed has its own status; before that it is the status of a timeout."""
    folder = application(t)
    with orchestrator(t) as fake:
        fake.ends_as = None
        for time in ("1s", "8s", "1min"):  # the decision is told after some answers
            result = run(t, "deploy", folder, "--timeout", time)
            if result.status != 124:
                break
        t.expect(result, 73, ["is decided, but not confirmed everywhere", "hall has not confirmed", "isomer ls"])
        check(result.out == "", str(result))
        fake.steps = [("preparing", [("den", "upload", "")])]
        t.expect(run(t, "deploy", folder, "--timeout", "300ms"), 124, ["not done yet", "--timeout"])
        t.expect(run(t, "deploy", folder, "--timeout", "soon"), 64, "--timeout: 'soon'")
        t.expect(run(t, "deploy", folder, "--timeout", "0s"), 64, ["--timeout: the time is over", "--no-wait"])
        with subprocess.Popen([t.isomer, "deploy", "--wait", folder], stderr=subprocess.PIPE,
                              env=t.environment(environment(t)), text=True) as process:
            await_line(process, "preparing")
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
        check(process.returncode == 130 and re.search(r"isomer: generation \d of hello goes on", said), said)


def await_line(process, text):
    """Reads what it complains about until there is a line with the text."""
    check(any(text in line for line in iter(process.stderr.readline, "")), f"it has ended without {text!r}")


@test
def the_orchestrator_dies(t):
    """Waiting for one that does not answer ends after some seconds, and says what becomes of the deployment."""
    folder = application(t)
    with orchestrator(t) as fake:
        fake.ends_as, fake.steps = None, [("preparing", [("den", "upload", "")])]
        process = subprocess.Popen([t.isomer, "deploy", folder], stderr=subprocess.PIPE,
                                   env=t.environment(environment(t)), text=True)
        await_line(process, "preparing")
        fake.dead = True
        with process:
            said = process.stderr.read()
    check(process.returncode == 71 and "does not answer any more" in said and "it goes on when" in said, said)


@test
def mistakes_are_pointed_at(t):
    """As compilers do: file:line:column, the line, a caret; also for files that are not there."""
    folder = application(t)
    with orchestrator(t) as fake:
        fake.mistakes = [{"line": 4, "column": 16, "length": 9, "severity": "error", "pointer": "/components/greeter",
                          "text": "found \"package\"; expected \x1b[31mred"},
                         {"line": 2, "column": 10, "length": 7, "severity": "warning", "pointer": "/app", "text": "hm"}]
        for command in ("deploy", "plan", "check"):
            result = t.expect(run(t, command, folder), 65, ["has 1 mistake"])
            place = re.escape(os.path.join(folder, "app.json"))
            match(rf"^{place}:4:16: error: found \"package\"; expected \\x1b\[31mred$", result.err)
            match(r"^    4 \|     \"greeter\": { \"package\".*\n      \| {16}\^~~~~~~~~$", result.err)
            match(rf"^{place}:2:10: warning: hm$", result.err)
        check(json.loads(run(t, "check", folder, "--json").out)["mistakes"] == fake.mistakes, "as JSON")
        fake.mistakes = fake.mistakes[1:]
        t.expect(run(t, "check", folder), 0, ["warning: hm", "app.json is right"])
        fake.mistakes = []
        os.remove(os.path.join(folder, "counter.wasm"))
        result = t.expect(run(t, "deploy", folder), 65, "app.json:5:29: error: there is no module")
        match(r'^      \|  +\^~~~~~~~~~~~~~~~~~~$', result.err)
        t.write("hello/greeter/second.wasm", b"")
        t.expect(run(t, "deploy", folder), 65, "several modules")


@test
def files_of_a_manifest(t):
    """All that is wrong is told at once, with what the orchestrator finds; only modules leave this machine."""
    folder = application(t)
    with orchestrator(t) as fake:
        t.write("hello/counter.wasm", "root:x:0:0\n")
        t.write("hello/secret", "root:x:0:0\n")
        t.write("hello/app.json", MANIFEST.replace("extra.wit", "secret").replace("file:greeter", "file:missing"))
        fake.mistakes = [{"line": 2, "column": 10, "length": 7, "severity": "error", "pointer": "/app", "text": "hm"}]
        for command in ("check", "plan", "deploy"):
            result = t.expect(run(t, command, folder), 65, [
                "app.json:4:29: error: there is no module", "app.json:5:29: error: ", "is no WebAssembly module",
                "app.json:5:63: error: an interface is a file NAME.wit", "app.json:2:10: error: hm"])
            match(r"^isomer: error: .*app.json has 4 mistakes$", result.err.splitlines()[-1])
        check(not fake.packages and not fake.apps, "nothing was sent")
        check(all(body["files"] == {} for body in fake.bodies("POST", "/v1/check")), "no file")
        answer = json.loads(t.expect(run(t, "deploy", folder, "--json"), 65).out)
        check([one["line"] for one in answer["mistakes"]] == [4, 5, 5, 2], str(answer))
        t.write("hello/app.json", MANIFEST.replace("file:greeter", "file:näher.wasm")
                .replace("file:counter.wasm", "file:näher.wasm"))
        fake.mistakes = [{"line": line, "column": 29, "length": 17, "severity": "error", "pointer": f"/components/{name}",
                          "text": "did not come"} for line, name in ((4, "greeter"), (5, "counter"))]
        result = t.expect(run(t, "deploy", folder), 65, "näher.wasm; perhaps it has to be built first")
        check("did not come" not in result.err and "has 1 mistake\n" in result.err, f"a file is missing once: {result}")
    t.expect(run(t, "--orchestrator", "127.0.0.1:1", "deploy", t.path("missing")), 66, "missing")


@test
def plans(t):
    """Which device and why; with --verbose why not the others."""
    folder = application(t)
    with orchestrator(t) as fake:
        result = t.expect(run(t, "plan", folder), 0)
        check(re.search(r"greeter +den +fastest: 512 M fuel/s; free", result.out), str(result))
        check("gpio" not in result.out, str(result))
        result = t.expect(run(t, "plan", "--verbose", folder), 0)
        check("greeter is not on\n  hall: offers no isomer:device/gpio" in result.out, str(result))
        check(json.loads(run(t, "plan", "--json", folder).out)["app"] == "hello", "as JSON")
        check(not fake.apps, "nothing is deployed")
        narrow = t.run("plan", folder, env=environment(t, COLUMNS="42")).out
        check(max(len(line) for line in narrow.splitlines()) <= 42 and "…" not in narrow, narrow)
        check(" ".join(narrow.split()) == " ".join(run(t, "plan", folder).out.split()), "all of it is there: " + narrow)
        fake.overloaded = True
        t.expect(run(t, "plan", folder), 0, "overloaded")
        fake.conflict = {"kind": "no-candidate", "why": "no device can take 'greeter'", "components": ["greeter"]}
        result = t.expect(run(t, "plan", folder), 72, "there is no plan: no device can take 'greeter'")
        check("greeter is not on\n  den: lacks the label room=moon\n  and 3 more" in result.out, str(result))
        check("DEVICE" not in result.out, str(result))
        result = t.expect(run(t, "plan", "--json", folder), 72, "no plan")
        check(json.loads(result.out)["feasible"] is False, "as JSON")


@test
def progress_on_a_terminal_is_one_line(t):
    """It is replaced, never longer than the terminal, and gone at the end."""
    folder = application(t)
    with orchestrator(t) as fake:
        fake.steps = [("preparing", [("den", "upload", 30 * "very long ")]), ("committing", [])]
        status, text = on_terminal(t, ["deploy", folder], columns=40)
        check(status == 0, text)
        pieces = [piece.split("\r\n")[0] for piece in text.split("\r\x1b[K")[1:]]
        lines = [piece for piece in pieces if "isomer:" not in piece]
        check(len(lines) >= 3 and max(len(line) for line in lines) < 40, repr(pieces))
        check("den uplo" in text and "hello runs: generation 1" in pieces[-1], repr(text))


def on_terminal(t, words, columns, typed=b""):
    """The status, and what a terminal of that many columns gets; what is typed at the first prompt."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment(t), TERM="xterm", COLUMNS=str(columns))
        os.system(f"stty cols {columns}")
        os.execv(t.isomer, [t.isomer, *words])
    text = b""
    while select.select([terminal], [], [], 30)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
        if typed and text.endswith(b": "):
            os.write(terminal, typed)
            typed = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()


# ---- Applications ----


@test
def applications(t):
    """ls, ps, history, rollback, move and rm, each with what it changed."""
    folder = application(t)
    with orchestrator(t) as fake:
        t.expect(run(t, "deploy", folder), 0)
        check(re.search(r"hello +running +1 +2", run(t, "ls").out), str(run(t, "ls")))
        check(re.search(r"hello/counter +den +running", run(t, "ps").out), str(run(t, "ps")))
        t.expect(run(t, "ps", "other"), 77, "no application other", out="")
        fake.moves = [{"component": "counter", "from": "den", "to": "hall", "step": "done", "downtime-ms": 4.123},
                      {"component": "greeter", "from": "hall", "to": "den", "step": "done", "downtime-ms": 4190}]
        t.expect(run(t, "move", "hello/counter", "hall"), 0, [
            "counter moved to hall; it stood still for 4.12 ms", "it stood still for 4.2 s"])
        check(fake.bodies("POST", "/v1/apps/hello/components/counter/move") == [{"to": "hall"}], "who")
        t.expect(run(t, "move", "counter"), 64, "APP/COMPONENT")
        fake.moves = []
        t.expect(run(t, "rollback", "hello", "1"), 0, "generation 3")
        t.expect(run(t, "rollback", "hello", "one"), 64, "no number")
        t.expect(run(t, "rollback", "hello", "0"), 64, "no number")
        check(fake.bodies("POST", "/v1/apps/hello/rollback") == [{"to": 1}], "to which")
        check(re.search(r"2 +replaced +move", run(t, "history", "hello").out), str(run(t, "history", "hello")))
        t.expect(run(t, "rm", "hello"), 0, "hello is removed")
        t.expect(run(t, "rm", "hello"), 77, "no application hello")
        t.expect(run(t, "history", "nothing"), 77, "no application nothing")
        t.expect(run(t, "history"), 64, "missing")


@test
def components_with_their_figures(t):
    """ps shows what a device says of its components, and dashes where it says nothing; on a narrow terminal columns are
    left out, from the least useful one on, before the others are cut."""
    folder = application(t)
    with orchestrator(t) as fake:
        t.expect(run(t, "deploy", folder), 0)
        fake.apps["hello"]["at"] = {"greeter": "hall"}
        fake.silent = ("hall",)

        def shown(columns, *args):
            result = t.run("ps", *args, env=environment(t, **({"COLUMNS": str(columns)} if columns else {})), timeout=30)
            lines = t.expect(result, 0).out.splitlines()
            check(columns is None or max(map(len, lines)) <= columns, result.out)
            return [re.split(r"  +", line) for line in lines]
        titles = ["COMPONENT", "DEVICE", "STATE", "MODE", "CALLS", "P50", "MEMORY", "PACKAGE"]
        lost = ["hello/greeter", "hall", "running", "function", "-", "-", "-", "file:greeter"]
        known = ["hello/counter", "den", "running", "function", "1240", "3.12 ms", "12 MiB", "file:counter"]
        for columns in (None, 100, 80):
            check(shown(columns) == [titles, lost, known], f"{columns}: {shown(columns)}")
        check(shown(72) == [row[:7] for row in (titles, lost, known)], f"72: {shown(72)}")
        check(shown(60) == [row[:3] + row[4:7] for row in (titles, lost, known)], f"60: {shown(60)}")
        check(all(row[0].endswith("…") for row in shown(50)[1:]), f"50: {shown(50)}")
        said = {one["name"]: one for one in json.loads(run(t, "ps", "hello", "--json").out)[0]["components"]}
        check(said["counter"]["calls"]["total"] == 1240 and said["counter"]["memory-bytes"] == 12 << 20 and
              said["counter"]["package"] == "file:counter", str(said))
        check("calls" not in said["greeter"] and "memory-bytes" not in said["greeter"], str(said))
        check(("GET", "/v1/components?app=hello", b"") in fake.requests, "only of the application that was asked for")


@test
def files_outside_of_the_folder_are_not_sent(t):
    """Neither by `..` nor by a link, nor what lies beside a module; each is pointed at."""
    folder = application(t)
    t.write("other.wasm", b"\0asm\1\0\0\0")
    t.write("secret", "nobody's business")
    with orchestrator(t) as fake:
        os.symlink(t.path("other.wasm"), os.path.join(folder, "linked.wasm"))
        for name in ("../other.wasm", t.path("other.wasm"), "../other", "linked"):
            t.write("hello/app.json", MANIFEST.replace("counter.wasm", name))
            t.expect(run(t, "deploy", folder), 65, ["app.json:5:29: error: ", "is outside of the application's folder"])
        t.write("hello/app.json", MANIFEST.replace("extra.wit", "../other.wit"))
        t.write("other.wit", "package demo:other;\n")
        t.expect(run(t, "deploy", folder), 65, ["app.json:5:", "other.wit is outside of the application's folder"])
        t.write("hello/app.json", MANIFEST)
        os.symlink(t.path("secret"), os.path.join(folder, "counter.wasm.minisig"))
        t.expect(run(t, "deploy", folder), 65, "counter.wasm.minisig is outside of the application's folder")
        check(not any(b"nobody" in body for _, _, body in fake.requests if body), "it was sent")
        os.remove(os.path.join(folder, "counter.wasm.minisig"))
        os.rename(folder, t.path("there"))
        os.symlink(t.path("there"), folder) # the folder itself may be a link
        t.expect(run(t, "deploy", folder), 0)


@test
def flows(t):
    """ls, show and start, of an application and of all; an input that is refused."""
    folder = application(t)
    with orchestrator(t) as fake:
        t.expect(run(t, "deploy", folder), 0)
        fake.devices["den"]["id"] = "den-id"
        for words in ((), ("hello",)):
            match(r"^hello/sum +running +5 +1 +1 +0\.5/s +2\.5 ms +step 0: trap$", t.expect(run(t, "flow", "ls", *words), 0).out)
        check(json.loads(run(t, "flow", "ls", "--json").out)[0]["flow"] == "sum", "as JSON")
        shown = t.expect(run(t, "flow", "show", "hello/sum"), 0).out
        match(r"^  started    5$", shown)
        match(r"^counter\.add +den +4 +1 +0 +1\.5 ms$", shown)
        check(json.loads(run(t, "flow", "show", "hello/sum", "--json").out)["steps"], "as JSON")
        t.expect(run(t, "flow", "show", "hello/other"), 77, "there is no flow hello/other; 'isomer flow ls'")
        t.expect(run(t, "flow", "show", "hello"), 64, "'hello' names no flow; write APP/FLOW")
        t.expect(run(t, "flow", "ls", "nothing"), 77, "no application nothing")
        check(t.expect(run(t, "flow", "start", "hello/sum", "41"), 0).out == "42\n", "its result")
        check(t.expect(run(t, "flow", "start", "hello/sum"), 0).out == "1\n", "without an input")
        t.write("input.json", "41")
        check(t.expect(run(t, "flow", "start", "hello/sum", "@" + t.path("input.json")), 0).out == "42\n", "a file's")
        t.expect(run(t, "flow", "start", "-o", t.path("out"), "hello/sum", "41"), 0, out="")
        with open(t.path("out"), encoding="utf-8") as out:
            check(out.read().strip() == "42", "into a file")
        t.expect(run(t, "flow", "start", "hello/sum", "hello"), 64, ["the input is not JSON", "a text needs its quotes"])
        t.expect(run(t, "flow", "start", "hello/sum", '"x"'), 64, "step 0 (counter.add) on den: bad-arguments")


@test
def logs_go_on_over_a_move(t):
    """The stream is opened again, and what comes twice is shown once."""
    with orchestrator(t) as fake:
        lines = [{"time": f"2026-01-01T00:00:0{i}Z", "level": "info", "message": f"line {i}"} for i in range(4)]
        fake.streams = [lines[:2], [], lines[1:]]
        result = until_lines(t, ["logs", "-f", "hello/counter"], 4)
        check([line.split()[-1] for line in result] == ["0", "1", "2", "3"], str(result))


def until_lines(t, words, count):
    """The first lines of a command that goes on, which is then stopped."""
    with subprocess.Popen([t.isomer, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=t.environment(environment(t)), text=True) as process:
        lines = [process.stdout.readline().rstrip("\n") for _ in range(count)]
        process.terminate()
    return lines


# ---- Devices ----


@test
def devices(t):
    """ls, show, add, pair, label, rename, drain and rm."""
    with orchestrator(t) as fake:
        listed = t.expect(run(t, "device", "ls"), 0).out
        check(re.search(r"den +up +aarch64 +512 +12%", listed) and "porch" in listed, listed)
        check(run(t, "device").out == listed, "alone it lists")
        check("room=hall" in run(t, "device", "show", "hall").out, "show")
        t.expect(run(t, "device", "show"), 64, "which device")
        t.expect(run(t, "device", "add", "porch"), 77, ["has to be paired", "isomer device pair porch CODE"])
        answer = t.expect(run(t, "device", "add", "porch", "--json"), 77)
        check(json.loads(answer.out)["address"] == "https://192.0.2.9:8443", str(answer))
        t.expect(run(t, "device", "add", "192.0.2.99"), 77, "does not answer")
        t.expect(run(t, "device", "pair", "porch", "BAD"), 77, "the code is wrong")
        t.expect(run(t, "device", "pair", "porch", "GOOD", "--name", "veranda"), 0, "veranda is a device")
        t.expect(run(t, "device", "label", "den", "room=attic", "old-"), 0)
        check(fake.bodies("PATCH", "/v1/devices/den") == [{"labels": {"room": "attic", "old": None}}], "labels")
        t.expect(run(t, "device", "label", "den", "room"), 64, "KEY=VALUE")
        t.expect(run(t, "device", "rename", "den", "cellar"), 0)
        t.expect(run(t, "device", "drain", "hall", "--no-wait"), 0, "moved away")
        t.expect(run(t, "device", "drain", "hall"), 0, "hall is empty")
        check(fake.devices["hall"]["drained"] is True, "drained")
        t.expect(run(t, "device", "drain", "--off", "hall"), 0)
        check(fake.devices["hall"]["drained"] is False, "used again")
        t.expect(run(t, "device", "rm", "hall"), 77, "is used by hello")
        t.expect(run(t, "device", "rm", "--forget", "hall"), 0)
        t.expect(run(t, "device", "lss"), 64, "did you mean device ls?")
        narrow = on_terminal(t, ["device", "ls"], columns=60)[1]
        check(max(len(line) for line in narrow.splitlines()) <= 60 and "…" in narrow, narrow)


@test
def events(t):
    """A line each."""
    with orchestrator(t):
        check(run(t, "events").out == "2026-01-01T00:00:00Z deployed        hello: generation 1\n", str(run(t, "events")))


# ---- Packages ----


@test
def packages(t):
    """push, pull, ls, show and rm, with signatures beside modules."""
    module = t.write("m.wasm", bytes.fromhex("0061736d01000000 0105016000017f 03020100 0705010166 0000 0a0601040041 2a0b"))
    with orchestrator(t) as fake:
        t.expect(run(t, "package", "ls"), 0, "no packages are kept")
        check(run(t, "package", "push", module, "camera@1.0.0").out == "camera@1.0.0\n", "by a name")
        t.expect(run(t, "package", "push", module, "camera"), 64, "NAME@VERSION")
        t.expect(run(t, "package", "push", module), 64, "does not say its name and version")
        t.expect(run(t, "key", "new", "lab", "--no-password"), 0)
        t.expect(run(t, "sign", "--key", "lab.key", "m.wasm"), 0)
        t.expect(run(t, "package", "push", module, "camera@1.0.1"), 0)
        check(base64.b64decode(fake.packages["camera@1.0.1"]["signature"]) == t.read("m.wasm.minisig"), "signature")
        check(re.search(r"camera@1.0.1 +34 B", run(t, "package", "ls").out), str(run(t, "package", "ls")))
        check("camera@1.0.0" in run(t, "package", "show", "camera@1.0.0").out, "show")
        t.expect(run(t, "package", "show", "other@1.0.0"), 77, "no package")
        t.expect(run(t, "package", "rm", "camera@1.0.0"), 0)
        check(run(t, "package", "push", "camera@1.0.1", "oci:lab/camera:1").out.startswith("oci:lab/camera:1@sha256:"),
              "to a registry")
        check("#exact" in run(t, "package", "pull", "npm:x@1.0.0/x.wasm").out, "pull")
        t.expect(run(t, "package", "pull", "-o", "out.wasm", "npm:x@1.0.0/x.wasm"), 0)
        check(t.read("out.wasm") == fake.module, "the bytes")
        fake.module += b"x"
        digest = hashlib.sha256(fake.module).hexdigest()
        fake.on_modules = lambda *_: (200, b"other")
        t.expect(run(t, "package", "pull", "-o", "bad.wasm", "npm:x@1.0.0/x.wasm"), 77, "sent other bytes than sha256:"
                 + digest)
        check(not os.path.exists(t.path("bad.wasm")), "what is wrong is not written")


@test
def registries_and_trust(t):
    """add, ls and rm of both; a password is sent and never printed."""
    t.write("password", "secret\n")
    with orchestrator(t) as fake:
        t.expect(run(t, "registry", "add", "lab", "https://registry.example", "--username", "me", "--password-file",
                     "password"), 0)
        check(fake.items["registries"]["lab"]["password"] == "secret", str(fake.items))
        listed = run(t, "registry", "ls").out
        check(re.search(r"lab +https://registry.example +me", listed) and "secret" not in listed, listed)
        t.expect(run(t, "registry", "add", "lab", "https://x", "--password-file", "password"), 64, "--username")
        t.expect(run(t, "registry", "rm", "lab"), 0)
        t.expect(run(t, "registry", "rm", "lab"), 77)
        t.expect(run(t, "key", "new", "lab", "--no-password"), 0)
        t.expect(run(t, "trust", "add", "lab.pub"), 0, "must be signed")
        key = t.read("lab.pub").decode().splitlines()[1]
        check([one["key"] for one in fake.items["trust"].values()] == [key], str(fake.items))
        check(key in run(t, "trust", "ls").out, "ls")
        t.expect(run(t, "trust", "rm", list(fake.items["trust"])[0]), 0)
        t.expect(run(t, "trust", "add", "nonsense"), 65, "public key")


@test
def signatures(t):
    """Keys and signatures on files; whatever is not right ends with 65; passwords from files and the terminal."""
    t.write("m.wasm", b"\0asm\1\0\0\0")
    t.write("password", "secret\n")
    t.expect(run(t, "key", "new", "lab", "--password-file", "password"), 0, "isomer trust add lab.pub")
    check(os.stat(t.path("lab.key")).st_mode & 0o777 == 0o600, "its owner's only")
    t.expect(run(t, "key", "new", "lab", "--no-password"), 74, "is there already")
    t.expect(run(t, "key", "new", "other", "--no-password"), 0)
    t.expect(run(t, "sign", "m.wasm"), 64, "--key")
    t.write("wrong", "wrong\n")
    t.expect(run(t, "sign", "--key", "lab.key", "--password-file", "wrong", "m.wasm"), 77, "password")
    t.expect(run(t, "sign", "--key", "lab.key", "--password-file", "password", "--comment", "for you", "m.wasm"), 0)
    check("for you" in t.expect(run(t, "verify", "--key", "other.pub", "--key", "lab.pub", "m.wasm"), 0).out, "verify")
    t.expect(run(t, "verify", "--key", "other.pub", "m.wasm"), 65, "not among")
    t.expect(run(t, "verify", "m.wasm"), 64, "--key")
    t.write("m.wasm", b"\0asm\1\0\0\1")
    t.expect(run(t, "verify", "--key", "lab.pub", "m.wasm"), 65, "changed")
    t.expect(run(t, "verify", "--key", "lab.pub", "missing.wasm"), 66)
    status, text = on_terminal(t, ["sign", "--key", t.path("lab.key"), t.path("m.wasm")], columns=200,
                               typed=b"secret\n")
    check(status == 0 and "Password" in text and "secret" not in text.replace("secret key", ""), text)
    t.expect(run(t, "verify", "--key", "lab.pub", "m.wasm"), 0)


@test
def minisign_agrees(t):
    """The program minisign verifies what we sign with its keys' format, and we what it signs."""
    if shutil.which("minisign") is None:
        raise Skip("minisign is not installed")
    t.write("m.wasm", b"\0asm\1\0\0\0")
    t.expect(run(t, "key", "new", "ours", "--no-password"), 0)
    t.expect(run(t, "sign", "--key", "ours.key", "m.wasm"), 0)
    subprocess.run(["minisign", "-V", "-q", "-p", "ours.pub", "-m", "m.wasm"], cwd=t.dir, check=True)
    subprocess.run(["minisign", "-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"], cwd=t.dir, check=True,
                   capture_output=True, stdin=subprocess.DEVNULL)
    subprocess.run(["minisign", "-S", "-W", "-s", "theirs.key", "-m", "m.wasm"], cwd=t.dir, check=True,
                   capture_output=True, stdin=subprocess.DEVNULL)
    t.expect(run(t, "verify", "--key", "theirs.pub", "m.wasm"), 0)
    t.expect(run(t, "sign", "--key", "theirs.key", "m.wasm"), 0)
    subprocess.run(["minisign", "-V", "-q", "-p", "theirs.pub", "-m", "m.wasm"], cwd=t.dir, check=True)
