"""Hostile modules, documents and bytes: each is refused and told, and everybody else goes on."""

import base64
import os
import random
import socket
import tempfile
import threading

from device import GRANTS, Device, check, digest, document, until


def test_hostile_modules(programs, guests):
    """Endless loops, memory bombs, floods of lines, thousands of files and ways out of a directory: each ends
    at its limit, its status tells, and a neighbour answers all the while."""
    with tempfile.TemporaryDirectory(prefix="isomer-granted-") as folder, \
            Device(programs, options=["--directory", folder]) as device:
        probe, program = (device.put_module(guests.bytes(name)) for name in ("probe", "hostile"))
        data = os.path.join(folder, "granted")
        os.mkdir(data)
        for name, text in (("granted/file", "x"), ("secret", "secret")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as stream:
                stream.write(text)
        os.symlink("../secret", os.path.join(data, "link"))
        grants = {"dirs": [{"guest": "/data", "host": data, "write": False}]}
        limits = {"time": "1min", "memory": "2MiB", "files": 16, "log-rate": 20, "queue": 4, "instances": 2}
        device.deploy(document("bad", {"loop": (probe, {"grants": GRANTS, "limits": {**limits, "time": "400ms"}}),
                                       "bomb": (probe, {"grants": GRANTS, "limits": limits}),
                                       "program": (program, {"grants": grants, "limits": limits})}))
        device.deploy(document("good", {"probe": (probe, {"grants": GRANTS, "mode": "service"})}))
        stop = threading.Event()

        def spin():
            while not stop.is_set():
                device.call("bad/loop", "spin")
        threads = [threading.Thread(target=spin) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for i in range(100):
                check(device.value("good/probe", "count-up", {"by": 1}) == i + 1, "the neighbour answers")
            check(device.value("bad/bomb", "grow") <= 32, "memory is bounded")

            def run(what):
                value = device.value("bad/program", "run", {"args": [what], "env": [], "stdin": ""})
                return base64.b64decode(value["stdout"]).decode()
            opened = run("files")
            check(opened.startswith("opened ") and int(opened.split()[1].rstrip(":")) <= 16, "files: %s", opened)
            escapes = run("escape")
            check("OPEN" not in escapes and escapes.count("refused") == 5, "%s", escapes)
            run("flood") # to its standard error, which is a part of the result
            check(device.call("bad/bomb", "flood", {"lines": 20000}).status in (204, 503), "flood of lines")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        loop, flooded = device.status("bad/loop"), device.status("bad/bomb")
        check(loop["calls"]["limit"] >= 2 and "time" in loop["last-error"], "told: %r", loop)
        check(flooded["log-lines-dropped"] > 1000, "dropped lines are counted: %r", flooded)
        check(device.request("GET", "/health", token=False).status == 200, "health")


BAD_MODULES = [b"", b"\0", b"\0asm", b"\0asm\2\0\0\0", b"\0asm\1\0\0\0\1", b"\0asm\1\0\0\0\1\xff\xff\xff\xff\x0f",
               b"\0asm\1\0\0\0\x0d\0", b"<html>", b"\x7fELF" + bytes(100), b"\0asm\x0d\0\1\0",
               b"\0asm\1\0\0\0" + b"\0\xff\xff\xff\x7f", b"\0asm\1\0\0\0\3\2\1\0"]


def test_bad_modules(programs, guests):
    """What is no module, has another digest than it should, or cannot run here is refused with the reason."""
    with Device(programs) as device:
        good = guests.bytes("probe")
        wrong = device.request("PUT", "/v1/modules/" + digest(b"other"), good,
                               headers={"Content-Type": "application/wasm"})
        check(wrong.status == 400 and "digest" in wrong.body.decode(), "digest: %s", wrong)
        for name in ("sha256:00", "md5:" + "0" * 32, "sha256:" + "g" * 64, "..%2f..%2fetc", "sha256:" + "A" * 63):
            answer = device.request("PUT", "/v1/modules/" + name, good, headers={"Content-Type": "application/wasm"})
            check(answer.status in (400, 404), "%s: %s", name, answer)
        generator = random.Random(3)
        mutants = []
        for _ in range(12):
            at = generator.randrange(8, len(good))
            mutants.append(good[:at])
        for i, module in enumerate(BAD_MODULES + mutants):
            name = device.put_module(module) if module else digest(module)
            answer = device.request("PUT", "/v1/deployments/test", document("test", {"x": (name, {})}, i + 1))
            check(answer.status in (400, 404, 422) and len(answer.json()["detail"]) > 10, "module %d: %s", i, answer)
        check(device.get("/v1/deployments") == [], "nothing is deployed")


def test_bad_bytes(programs, guests):
    """Nonsense to every port, HTTP and CoAP, plain and encrypted, changes nothing."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}))
        device.value("test/probe", "count-up", {"by": 1})
        generator = random.Random(5)
        for _ in range(60):
            data = generator.randbytes(generator.choice((1, 7, 60, 1200, 9000)))
            for port in device.ports.values():
                with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
                    stream.settimeout(60)
                    stream.connect(("127.0.0.1", port))
                    try:
                        stream.sendall(data)
                    except OSError:
                        pass
            for name in ("coap", "coaps"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                    datagram.sendto(data[:1400], ("127.0.0.1", device.ports[name]))
        check(device.value("test/probe", "get-count") == 1, "it goes on")
        until("connections are closed", lambda: device.request("GET", "/health", token=False).status == 200)


def broken_documents(module):
    """24 and more documents that are wrong in one way each, and a part of what is said."""
    def made(**changes):
        whole = document("test", {"probe": (module, {"grants": GRANTS})})
        whole.update(changes)
        return whole

    def component(**changes):
        whole = made()
        whole["components"]["probe"].update(changes)
        return whole
    yield [], "object"
    yield {}, "isomer"
    yield made(isomer=2), "isomer"
    yield made(app="Test"), "app"
    yield made(app="other"), "other"
    yield made(generation=0), "generation"
    yield made(generation="1"), "generation"
    yield made(generation=1 << 53), "generation"
    yield made(components=[]), "components"
    yield made(components={"A": {}}), "components"
    yield made(extra=1), "extra"
    yield made(flows={"f": {}}), "flows"
    yield made(flows={"f": {"on": {"every": "1ms", "call": True}, "steps": []}}), "flows"
    yield made(peers={"p": {"device": ""}}), "peers"
    yield component(module="sha256:12"), "module"
    yield component(module="file:x"), "module"
    yield component(mode="daemon"), "mode"
    yield component(epoch=0), "epoch"
    yield component(epoch=-1), "epoch"
    yield component(abi="magic"), "magic"
    yield component(wit="package"), ""
    yield component(limits={"memory": "64 MiB"}), "memory"
    yield component(limits={"time": "2"}), "time"
    yield component(limits={"speed": 1}), "speed"
    yield component(limits={"queue": -1}), "queue"
    yield component(grants={"devices": {"teleporter": True}}), "teleporter"
    yield component(grants={"devices": ["log"]}), "devices"
    yield component(grants={"dirs": [{"guest": "/x"}]}), "host"
    yield component(links={"a:b/c": {"component": "nobody"}}), "nobody"
    yield component(config={"a": 1}), "config"


def test_bad_documents(programs, guests):
    """Every mistake in a document is answered with its place; nothing of it is begun."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        count = 0
        for made, part in broken_documents(module):
            answer = device.request("PUT", "/v1/deployments/test", made)
            check(answer.status in (400, 422) and part in answer.json()["detail"], "%r expected %r: %s", made, part,
                  answer)
            count += 1
        for text in (b"", b"{", b"[" * 100000, b'{"isomer": 1, "isomer": 1}', b"\xff", b"nul"):
            answer = device.request("PUT", "/v1/deployments/test", text, headers={"Content-Type": "application/json"})
            check(answer.status in (400, 413), "%r: %s", text[:20], answer)
            count += 1
        check(count >= 30 and device.get("/v1/deployments") == [], "nothing is deployed")


def test_directories_are_granted_from_a_list(programs, guests):
    """Only what the device's configuration lists may be granted, and never the state, whatever links lead
    there."""
    with tempfile.TemporaryDirectory(prefix="isomer-granted-") as folder, \
            Device(programs, options=["--directory", folder]) as device:
        module = device.put_module(guests.bytes("hostile"))
        os.mkdir(os.path.join(folder, "data"))
        os.symlink(device.state, os.path.join(folder, "state"))
        os.symlink("/etc", os.path.join(folder, "etc"))
        generation = 0
        for host, good in ((folder, True), (folder + "/data", True), (folder + "/data/../data", True),
                           (folder + "/missing", False), (folder + "/../", False), ("/", False), ("/proc/self", False),
                           (device.state, False), (folder + "/state", False), (folder + "/etc", False), ("/etc", False)):
            generation += 1
            grants = {"dirs": [{"guest": "/data", "host": host, "write": False}]}
            answer = device.request("PUT", "/v1/deployments/test",
                                    document("test", {"x": (module, {"grants": grants})}, generation))
            check((answer.status == 204) == good and (good or answer.status == 422), "%s: %s", host, answer)
    with Device(programs) as device:
        module = device.put_module(guests.bytes("hostile"))
        grants = {"dirs": [{"guest": "/data", "host": "/tmp", "write": False}]}
        answer = device.request("PUT", "/v1/deployments/test", document("test", {"x": (module, {"grants": grants})}))
        check(answer.status == 422 and "--directory" in answer.json()["detail"], "by default none: %s", answer)
