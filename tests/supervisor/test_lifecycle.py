"""Starting, stopping, crashing, generations, and moving a component between two devices."""

import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading

from device import GRANTS, Device, check, document, until
from suite import free_port


def test_comes_back_after_a_crash(programs, guests):
    """After kill -9 the same components run, what they stored is there, and a service begins anew."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}))
        check(device.value("test/probe", "keep", {"key": "k", "value": "v"}) is True, "keep")
        device.value("test/probe", "count-up", {"by": 5})
        identity = device.get("/v1/device")["id"]
        device.kill()
        device.start()
        until("it runs", lambda: device.call("test/probe", "get-count").status == 200)
        check(device.value("test/probe", "get-count") == 0, "a new instance")
        check(device.value("test/probe", "kept", {"key": "k"}) == "v", "what it kept")
        check(device.get("/v1/device")["id"] == identity, "the same device")


def test_tells_why_it_could_not_begin(programs, guests):
    """When a module is gone after a restart, the device says so in its health and to callers, and goes on when
    the module is back."""
    with Device(programs) as device:
        data = guests.bytes("probe")
        module = device.put_module(data)
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS})}))
        device.kill()
        for folder, _, files in os.walk(os.path.join(device.state, "modules")):
            for file in files:
                os.unlink(os.path.join(folder, file))
        device.start()
        answer = until("it is told", lambda: (lambda a: a if a.status == 503 else None)(
            device.request("GET", "/health", token=False)))
        check("module" in answer.json()["reasons"][0]["reason"], "health: %s", answer)
        answer = device.call("test/probe", "get-count")
        check(answer.status == 503 and "module" in answer.json()["detail"], "call: %s", answer)
        device.put_module(data)
        until("it runs", lambda: device.call("test/probe", "get-count").status == 200)


def test_stops_in_order(programs, guests):
    """SIGTERM lets calls under way end, says so, and ends with 0."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS})}))
        for milliseconds in (700, 7000):
            answers = []
            thread = threading.Thread(target=lambda ms=milliseconds, to=answers: to.append(
                device.call("test/probe", "pause", {"milliseconds": ms}).status))
            thread.start()
            until("it is under way", lambda to=answers: device.get("/v1/device")["use"]["instances-waiting"] == 1 or to)
            if not answers:  # as it is unless the processors are very busy
                break
        check(device.stop() == 0, "status")
        thread.join()
        check(answers == [204], "the call ended: %r", answers)


def test_stops_with_everything_under_way(programs, guests):
    """Calls whose clients have gone, open streams and polls, a download: SIGTERM ends all of it in order."""
    with Device(programs, env={**os.environ, "MALLOC_PERTURB_": "165"}) as device:
        module = device.put_module(guests.bytes("probe"))
        large = device.put_module(bytes(30 << 20))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS})}))
        base = "/v1/components/test/probe/"
        asked = (("POST", base + "pause", '{"milliseconds": 4000}'), ("GET", base + "properties/count?next", None),
                 ("GET", "/v1/events", None), ("GET", "/v1/modules/" + large, None), ("POST", base + "spin", "{}"))
        connections = []
        for _ in range(3):
            for method, path, body in asked:
                connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=60)
                connection.request(method, path, body, {"Authorization": "Bearer " + device.token,
                                                        "Accept": "text/event-stream" if "events" in path else "*/*",
                                                        "Content-Type": "application/json"})
                connections.append(connection)
        until("they are under way", lambda: device.status("test/probe")["instances"] >= 6)
        for connection in connections[::2]:
            connection.close()
        check(device.stop() == 0, "status")


def test_stops_while_a_module_comes(programs, guests):
    """What is whole only after it was told to stop is refused, since nothing is left to take it; what is never whole
    keeps nobody waiting."""
    with Device(programs, env={**os.environ, "MALLOC_PERTURB_": "165"}) as device:
        def start(path, kind, data):
            connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=60)
            connection.putrequest("PUT", path)
            for name, value in (("Authorization", "Bearer " + device.token), ("Content-Type", kind),
                                ("Content-Length", str(len(data)))):
                connection.putheader(name, value)
            connection.endheaders(data[:100000])
            return connection

        def stop_and_send(connections, rest):
            device.process.terminate()
            for connection in connections:
                try:
                    for _ in range(20): # turns of the loop
                        check(device.request("GET", "/health", token=False).status in (200, 503), "its health")
                    connection.send(rest)
                    answer = connection.getresponse()
                    check(answer.status == 503 and b"is stopping" in answer.read(), "%d", answer.status)
                except (OSError, http.client.HTTPException):
                    pass # it had closed before
                connection.close()
            check(device.stop() == 0, "it stops in order: %s", device.log()[-3000:])

        device.deploy(document("test", {"probe": (device.put_module(guests.bytes("probe")), {"grants": GRANTS})}))
        data = bytes(300000)
        module = ("/v1/modules/sha256:" + hashlib.sha256(data).hexdigest(), "application/wasm", data)
        for sends in (True, False):
            coming = [start(*module), start("/v1/deployments/test", "application/json", data)]
            until("it comes", lambda: os.listdir(os.path.join(device.state, "modules", "incoming")))
            stop_and_send(coming if sends else [], data[100000:])
            for connection in coming:
                connection.close()
            device.start()


def test_modules_are_sent_from_files(programs, _guests):
    """A module comes back as it was, with its length, and is not in the memory of the device meanwhile."""
    data = random.Random(3).randbytes(40 << 20)
    with Device(programs) as device:
        path = "/v1/modules/" + device.put_module(data)
        before = device.resident()
        connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=60)
        connection.request("GET", path, headers={"Authorization": "Bearer " + device.token})
        answer = connection.getresponse()
        grown = device.resident() - before
        check(grown < 4 << 20, "the memory has grown by %d bytes", grown)
        check(answer.getheader("Content-Length") == str(len(data)) and answer.read() == data, "its bytes")
        connection.close()
        head = device.request("HEAD", path)
        check(head.status == 200 and head.headers["Content-Length"] == str(len(data)), "HEAD: %s", head)


def test_a_module_that_cannot_be_written(programs, _guests):
    """Who sends it learns why, however much is sent; what is written of it goes."""
    code = ("import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); os.execv(sys.argv[1], sys.argv[1:])")
    with Device(programs, wrap=["python3", "-c", code]) as device:
        data = random.Random(4).randbytes(4 << 20)
        for size in (70000, len(data)):
            path = "/v1/modules/sha256:" + hashlib.sha256(data[:size]).hexdigest()
            answer = device.request("PUT", path, data[:size], headers={"Content-Type": "application/wasm"})
            check(answer.status == 500 and "cannot write the module" in answer.json()["detail"], "%d: %s", size, answer)
            check(device.request("HEAD", path).status == 404, "it is not there")
        check(os.listdir(os.path.join(device.state, "modules", "incoming")) == [], "nothing is left of it")
        device.put_module(data[:60000])


def test_logs_outlive_the_supervisor(programs, guests):
    """What a component logged before a restart is there after it, once, with where it was: after an orderly one all of
    it, after kill -9 errors and what was logged before them. With its application it goes."""
    with Device(programs) as device:
        logs = "/v1/components/test/probe/logs"

        def lines():
            return [line["message"] for line in device.get(logs)]

        def first(after=None):
            """The first of the stream: its number and its message."""
            connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=20)
            connection.request("GET", logs, headers={"Authorization": "Bearer " + device.token, "Accept":
                                                     "text/event-stream", **({"Last-Event-ID": after} if after else {})})
            answer, found = connection.getresponse(), {}
            while "data" not in found or "id" not in found:
                name, _, value = answer.readline().decode().partition(": ")
                found[name] = value.strip()
            connection.close()
            return found["id"], json.loads(found["data"])["message"]

        def start():
            device.start()
            until("it runs", lambda: device.request("GET", logs).status == 200)

        anew = "the supervisor of the device has started anew"
        deployed = document("test", {"probe": (device.put_module(guests.bytes("probe")), {"grants": GRANTS})})
        device.deploy(deployed)
        check(lines() == [], "nothing yet: %s", lines())
        device.value("test/probe", "say", {"text": "before"})
        until("it is logged", lambda: "before" in lines())
        seen, message = first()
        check(message == "before", "followed: %s", message)
        check(device.stop() == 0, "it stops")
        start()
        check(lines() == ["before", anew], "after a restart: %s", lines())
        check(first() == (seen, "before") and first(seen)[1] == anew, "who followed goes on: %s, %s", first(), first(seen))
        file = os.path.join(device.state, "logs", "test", "probe")
        check(os.stat(file).st_mode & 0o777 == 0o600, "nobody else may read it")
        device.value("test/probe", "say", {"text": "then"})
        check(device.call("test/probe", "trap").status == 500, "a trap")
        until("it is on the disk", lambda: "unreachable" in open(file, encoding="utf-8").read())
        device.value("test/probe", "say", {"text": "last"}) # too soon after that
        device.kill()
        start()
        found = lines()
        check(found[:3] == ["before", anew, "then"] and "unreachable" in found[3] and found[4:] == [anew],
              "after kill -9: %s", found)
        device.stop()
        with open(file, "a", encoding="utf-8") as stream:
            stream.write("no line\n[]\n{}")
        start()
        check(lines() == found, "a damaged file: %s", lines())
        check(device.request("DELETE", "/v1/deployments/test").status == 204, "removed")
        check(not os.path.exists(os.path.dirname(file)), "its lines too")
        deployed["generation"] = 2
        device.deploy(deployed)
        check(lines() == [], "another application of that name: %s", lines())


def test_logs_of_any_text_and_trouble(programs, guests):
    """Lines of any text come back. Files of applications that are gone and what a crash left half written are removed;
    what cannot be written is told."""
    with Device(programs) as device:
        def lines():
            return [line["message"] for line in device.get("/v1/components/test/probe/logs")]

        device.deploy(document("test", {"probe": (device.put_module(guests.bytes("probe")), {"grants": GRANTS})}))
        texts = ["a\0b", "\r\nx\ry", "\u2028 \ud7ff \x7f\x1b[0m", '"\\']
        for text in texts:
            device.value("test/probe", "say", {"text": text})
        until("they are logged", lambda: lines() == texts)
        check(device.stop() == 0, "it stops")
        folder = os.path.join(device.state, "logs")
        os.mkdir(os.path.join(folder, "gone"))
        for left in ("gone/component", "test/probe.tmpAbCdEf"):
            with open(os.path.join(folder, left), "w", encoding="utf-8") as stream:
                stream.write("1 {}\n")
        device.start()
        until("it runs", lambda: device.call("test/probe", "get-count").status == 200)
        check(lines()[:-1] == texts, "after a restart: %s", lines())
        check(os.listdir(folder) == ["test"] and os.listdir(os.path.join(folder, "test")) == ["probe"], "%s",
              list(os.walk(folder)))
        shutil.rmtree(folder)
        with open(folder, "w", encoding="utf-8"):
            pass
        check(device.call("test/probe", "trap").status == 500, "a trap")
        until("it is told", lambda: "would be lost in a restart: cannot make the directory" in device.log())


def test_a_deletion_that_is_late(programs, guests):
    """Who deletes a generation does not take away a later one, committed or only prepared."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS})}))
        device.good("POST", "/v1/deployments/test/2/prepare",
                    document("test", {"probe": (module, {"grants": GRANTS})}, 2))
        answer = device.request("DELETE", "/v1/deployments/test?generation=1")
        check(answer.status == 409 and b"generation 2 is here, which is later than 1" in answer.body, "late: %s", answer)
        status = device.get("/v1/deployments/test")
        check((status["generation"], status["prepared"]["generation"]) == (1, 2), "nothing has changed: %s", status)
        device.good("POST", "/v1/deployments/test/2/abort")
        device.good("DELETE", "/v1/deployments/test?generation=1")
        check(device.request("GET", "/v1/deployments/test").status == 404, "it has gone")


def test_a_log_that_nobody_reads(programs, guests):
    """When nobody reads the log, lines are lost, and nothing waits for it."""
    reader, writer = os.pipe()
    try:
        with Device(programs, options=["--http", "127.0.0.1:%d" % free_port()]) as device:
            module = device.put_module(guests.bytes("probe"))
            state, name = device.state, "test/probe"
            device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "limits": {"log-rate": 100000}})}))
            device.stop()
            device.process = subprocess.Popen([programs["supervisor"], "--state", state, "--no-mdns", "--https", "none",
                                               "--coaps", "none", "--coap", "none", "--http",
                                               "127.0.0.1:%d" % device.ports["http"]], stderr=writer, stdout=writer)
            until("it serves", lambda: can(lambda: device.call(name, "get-count").status == 200))
            for _ in range(20):
                check(device.call(name, "flood", {"lines": 500}).status == 204, "flood")
            check(device.request("GET", "/health", token=False).status == 200, "it answers")
            check(device.stop() == 0, "it stops")
    finally:
        os.close(reader)
        os.close(writer)


def can(action):
    try:
        return action()
    except OSError:
        return False


def test_tells_systemd(programs, guests):
    """READY=1 when the stored deployments run, WATCHDOG=1 from the loop, STOPPING=1 before it ends
    (sd_notify(3))."""
    folder = tempfile.mkdtemp(prefix="isomer-notify-")
    path = os.path.join(folder, "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(20)
        env = {**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
        try:
            with Device(programs, env=env) as device:
                said = ""
                while "READY=1" not in said or said.count("WATCHDOG=1") < 3:
                    said += notify.recv(4096).decode() + "\n"
                device.stop()
                while "STOPPING=1" not in said:
                    said += notify.recv(4096).decode() + "\n"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def test_logs_as_json(programs, guests):
    """With --log-json every line is an object with time, level, subject and message."""
    with Device(programs, options=["--log-json"]) as device:
        lines = [json.loads(line) for line in device.log().splitlines()]
        check(lines and all({"time", "level", "subject", "message"} <= set(line) for line in lines), "%r", lines)


def test_two_on_one_state(programs, guests):
    """A second supervisor on the same state is refused; so are wrong options and files."""
    with Device(programs) as device:
        def refused(part, *options):
            result = subprocess.run([programs["supervisor"], *options], capture_output=True, text=True, timeout=60,
                                    check=False)
            check(result.returncode != 0 and part in result.stderr, "%r: %d %s", options, result.returncode,
                  result.stderr)
        refused("in use", "--state", device.state, "--http", "127.0.0.1:0")
        refused("loopback", "--state", device.state + "/x", "--http", "192.0.2.1:80")
        refused("--cpu" if False else "share", "--cpu", "0%")
        refused("--code-memory: nothing fits into 0 bytes", "--code-memory", "0MiB")
        refused("--modules: nothing fits into 0 bytes", "--modules", "0")
        refused("--workers: 0 threads run nothing", "--workers", "0")
        refused("--interface: 'a b' is no name of a network interface", "--interface", "a b")
        refused("label", "--label", "room")
        refused("a letter or digit first", "--label", "my room=lab")
        refused("level", "--log-level", "loud")
        refused("nothing to give", "extra")
        refused("--nonsense", "--nonsense")
        path = os.path.join(device.state, "config.json")
        for text, part in (('{"nmae": "x"}', "nmae"), ('{"workers": "two"}', "workers"), ("{", "config.json:1"),
                           ('{"cpu": "200%"}', "share"), ('{"devices": {"camera": {}}}', "did you mean 'cameras'?"), ('{"labels": {"my room": "lab"}}', "labels")):
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
            refused(part, "--config", path, "--state", device.state + "/y", "--http", "127.0.0.1:0")


def test_an_interface_that_is_not_there(programs, guests):
    """A warning says what was perhaps meant; the supervisor serves, and uses the interface when it comes."""
    with Device(programs, options=["--interface", "loo"]) as device:
        check("there is no network interface 'loo' here; did you mean 'lo'?" in device.log(), "a warning: %s",
              device.log())


def test_generations_switch_whole(programs, guests):
    """Prepare, commit and abort; an older generation, another document of the same, and a broken one are
    refused, and the present one goes on."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))

        def generation(number, colour):
            return document("test", {"probe": (module, {"grants": GRANTS, "config": {"colour": colour},
                                                        "epoch": number})}, generation=number)

        def colour():
            return device.value("test/probe", "setting", {"key": "colour"})
        device.deploy(generation(1, "red"))
        device.deploy(generation(1, "red"))
        check(colour() == "red", "one")
        device.good("POST", "/v1/deployments/test/2/prepare", generation(2, "blue"))
        check(colour() == "red", "prepared only")
        device.good("POST", "/v1/deployments/test/2/commit", {})
        device.good("POST", "/v1/deployments/test/2/commit", {})
        check(colour() == "blue", "committed")
        check(device.request("PUT", "/v1/deployments/test", generation(1, "red")).status == 409, "older")
        check(device.request("PUT", "/v1/deployments/test", generation(2, "green")).status == 409, "another")
        device.good("POST", "/v1/deployments/test/3/prepare", generation(3, "green"))
        device.good("POST", "/v1/deployments/test/3/abort", {})
        check(device.request("POST", "/v1/deployments/test/3/commit", {}).status == 409, "aborted")
        broken = generation(4, "black")
        broken["components"]["probe"]["module"] = "sha256:" + "0" * 64
        answer = device.request("PUT", "/v1/deployments/test", broken)
        check(answer.status in (404, 422) and "module" in answer.json()["detail"], "missing module: %s", answer)
        check(colour() == "blue", "the present one goes on")
        device.good("DELETE", "/v1/deployments/test")
        check(device.call("test/probe", "get-count").status == 409, "known, and not here any more")
        device.good("DELETE", "/v1/deployments/test?forget=true")
        check(device.call("test/probe", "get-count").status == 404, "forgotten")


def test_killed_while_switching(programs, guests):
    """Killed at random moments of changes: afterwards the old or the new generation runs, whole."""
    rounds = 50 if programs["full"] else 8
    random.seed(7)
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        members = lambda n: {"grants": GRANTS, "config": {"number": str(n)}, "epoch": n}  # noqa: E731
        make = lambda n: document("test", {"one": (module, members(n)), "two": (module, members(n))},  # noqa: E731
                                  generation=n)
        device.deploy(make(1))
        present = 1
        for _ in range(rounds):
            change = threading.Thread(target=lambda n=present + 1: attempt(device, make(n)))
            change.start()
            change.join(random.random() * 0.05)
            device.kill()
            change.join()
            device.start()
            until("it runs", lambda: device.call("test/one", "get-count").status == 200 and
                  device.call("test/two", "get-count").status == 200)
            numbers = {int(device.value("test/" + c, "setting", {"key": "number"})) for c in ("one", "two")}
            check(len(numbers) == 1 and numbers <= {present, present + 1}, "after %d: %r", present, numbers)
            present = numbers.pop()


def attempt(device, made):
    try:
        device.request("PUT", "/v1/deployments/test", made)
    except (OSError, ValueError):
        pass


def key(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def peer(name, device, own, calls=()):
    """The other device in a document, with a key for each direction."""
    return {name: {"device": device.get("/v1/device")["id"],
                   "connect": {"addresses": ["127.0.0.1:%d" % device.ports["coaps"]], "transport": "tls",
                               "identity": "test.%s.%s" % (own, name), "key": key(own + name)},
                   "accept": {"identity": "test.%s.%s" % (name, own), "key": key(name + own),
                              "calls": list(calls)}}}


def test_moves_a_running_component(programs, guests):
    """A service that computes moves to another device and goes on there, with its state and storage; who
    called it gets the answer from where the call was made, as if nothing had been. Wrong orders and a damaged
    snapshot are refused."""
    rounds = {"rounds": 150000000}
    with Device(programs, name="source") as source, Device(programs, name="target") as target:
        for device in (source, target):
            module = device.put_module(guests.bytes("probe"))
        members = {"grants": GRANTS, "mode": "service", "limits": {"time": "10min"}}
        source.deploy(document("test", {"probe": (module, members)}))
        source.value("test/probe", "count-up", {"by": 9})
        source.value("test/probe", "keep", {"key": "k", "value": "moved"})
        expected = source.value("test/probe", "work", rounds)

        here = document("test", {}, 2, peers=peer("t", target, "s"))
        there = document("test", {"probe": (module, {**members, "epoch": 2, "from": {"snapshot": True}})}, 2,
                         peers=peer("s", source, "t", ["probe"]))
        target.good("POST", "/v1/deployments/test/2/prepare", there)
        source.good("POST", "/v1/deployments/test/2/prepare", here)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(source.call("test/probe", "work", rounds, timeout=120)))
        before = source.get("/v1/device")["use"]["cpu-seconds"]
        thread.start()
        until("it computes", lambda: source.get("/v1/device")["use"]["cpu-seconds"] > before)
        check(source.request("GET", "/v1/moves/test/probe/snapshot").status == 409, "not frozen yet")
        check(source.request("POST", "/v1/moves/test/probe/freeze", {"epoch": 5}).status == 409, "another epoch")
        source.good("POST", "/v1/moves/test/probe/freeze", {"epoch": 1})
        source.good("POST", "/v1/moves/test/probe/freeze", {"epoch": 1})
        check(source.call("test/probe", "get-count").status == 409, "frozen")
        snapshot = source.good("GET", "/v1/moves/test/probe/snapshot").body
        octets = {"Content-Type": "application/octet-stream"}
        target.good("PUT", "/v1/moves/test/probe/snapshot", snapshot, headers=octets)
        check(target.request("POST", "/v1/moves/test/probe/own", {"epoch": 2}).status == 409, "commit first")
        target.good("POST", "/v1/deployments/test/2/commit", {})
        target.good("POST", "/v1/moves/test/probe/own", {"epoch": 2})
        source.good("POST", "/v1/moves/test/probe/release", {"epoch": 2, "to": "t"})
        source.good("POST", "/v1/deployments/test/2/commit", {})
        thread.join()
        check(answers[0].status == 200 and answers[0].json() == expected, "the call under way: %s, expected %d",
              answers[0], expected)
        check(target.value("test/probe", "get-count") == 9, "its state")
        check(target.value("test/probe", "kept", {"key": "k"}) == "moved", "its storage")
        check(target.status("test/probe")["epoch"] == 2, "its epoch")
        check(source.call("test/probe", "get-count").status == 409, "the source has it no more")


def test_damaged_snapshots_are_refused(programs, guests):
    """A snapshot that was changed anywhere is refused, and an abort lets the source go on."""
    with Device(programs, name="source") as source, Device(programs, name="target") as target:
        for device in (source, target):
            module = device.put_module(guests.bytes("probe"))
        members = {"grants": GRANTS, "mode": "service"}
        source.deploy(document("test", {"probe": (module, members)}))
        source.value("test/probe", "count-up", {"by": 4})
        source.good("POST", "/v1/moves/test/probe/freeze", {"epoch": 1})
        snapshot = source.good("GET", "/v1/moves/test/probe/snapshot").body
        there = document("test", {"probe": (module, {**members, "epoch": 2, "from": {"snapshot": True}})}, 2)
        for at in range(0, len(snapshot), max(1, len(snapshot) // 12)):
            target.good("POST", "/v1/deployments/test/2/prepare", there)
            damaged = snapshot[:at] + bytes([snapshot[at] ^ 0x41]) + snapshot[at + 1:]
            answer = target.request("PUT", "/v1/moves/test/probe/snapshot", damaged,
                                    headers={"Content-Type": "application/octet-stream"})
            check(answer.status in (413, 422), "byte %d of %d changed: %s", at, len(snapshot), answer)
        source.good("POST", "/v1/moves/test/probe/abort", {})
        check(source.value("test/probe", "get-count") == 4, "the source goes on")
