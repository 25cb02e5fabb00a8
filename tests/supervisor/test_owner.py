"""One orchestrator per device, and the sign of life that it asks for."""

import json
import os
import subprocess
import tempfile
import threading

from device import GRANTS, Device, check, document, until
from registrations import Registry
from suite import free_port

HOME = {"id": "abcdefghijklmnopqrstuvwx23", "name": "the home", "address": "https://192.0.2.9:8491"}
OTHER = {"id": "234567abcdefghijklmnopqrst", "name": "somebody else", "address": None}


def headers(owner):
    return {"Isomer-Owner": owner["id"]}


def events(device, name):
    return [e for e in device.get("/v1/events?tail=1000") if e["event"] == name]


def test_a_device_has_one_owner(programs, guests):
    """The first orchestrator gets the device; the second is told whose it is, unless it takes it over."""
    del guests
    with Device(programs) as device:
        check(device.request("GET", "/v1/owner").status == 404, "nobody's at first")
        check(device.get("/v1/device")["owner"] is None, "in the description")

        def found():
            return device.request("GET", "/.well-known/wot", token=False).json()
        check("owner" not in found(), "also for those who find it")
        for owner in (HOME, HOME):
            device.good("PUT", "/v1/owner", owner)
        told = device.get("/v1/owner")
        check({key: told[key] for key in HOME} == HOME and told["since"].endswith("Z"), "%s", told)
        check(device.get("/v1/device")["owner"] == told, "in the description")
        check(found()["owner"] == {"id": HOME["id"], "name": HOME["name"]}, "who finds it sees whose it is")
        check(len(events(device, "owner")) == 1, "the second time changed nothing: %s", events(device, "owner"))
        answer = device.request("PUT", "/v1/owner", OTHER)
        problem = answer.json()
        check(answer.status == 409 and problem["type"] == "urn:isomer:problem:owned", "%s", answer)
        check(problem["owner"] == told, "%s", problem)
        for part in ("the home", "https://192.0.2.9:8491", told["since"], "isomer device rm", "owner rm"):
            check(part in problem["detail"], "%s is not in %s", part, problem["detail"])
        check(device.get("/v1/owner") == told, "unchanged")
        device.good("PUT", "/v1/owner", {**HOME, "name": "new home"})
        check(device.get("/v1/owner") == {**told, "name": "new home"}, "its own name it may change")
        device.good("PUT", "/v1/owner?take-over=true", OTHER)
        check(device.get("/v1/owner")["name"] == "somebody else", "taken over")
        check(device.request("DELETE", "/v1/owner", headers=headers(HOME)).status == 409, "not by the one before")
        for _ in range(2):
            check(device.good("DELETE", "/v1/owner", headers=headers(OTHER)).status == 204, "given back")
        check(device.request("GET", "/v1/owner").status == 404, "nobody's")
        details = [e["detail"] for e in events(device, "owner")]
        check(len(details) == 4 and HOME["id"] in details[0] and details[3] == "nobody", "%s", details)


def test_bad_owners(programs, guests):
    """What is no owner is refused, with what would be one, and changes nothing."""
    del guests
    with Device(programs) as device:
        device.good("PUT", "/v1/owner", HOME)
        for body, word in (([], "object"), ({}, '"id"'), ({**HOME, "id": 7}, '"id"'), ({**HOME, "id": "abc"}, '"id"'),
                           ({**HOME, "id": "ABCDEFGHIJKLMNOPQRSTUVWX23"}, '"id"'),
                           ({**HOME, "id": HOME["id"] + "a"}, '"id"'),
                           ({"id": HOME["id"]}, '"name"'), ({**HOME, "name": ""}, '"name"'),
                           ({**HOME, "name": "x" * 65}, '"name"'), ({**HOME, "name": "a\nb"}, '"name"'),
                           ({**HOME, "name": "a\u0000b"}, "NUL"), ({**HOME, "name": "\u009b2J"}, '"name"'),
                           ({**HOME, "address": "192.0.2.9"}, '"address"'), ({**HOME, "address": 1}, '"address"'),
                           ({**HOME, "address": "https://a b"}, '"address"'),
                           ({**HOME, "address": "https://" + "a" * 300}, '"address"'),
                           ({**HOME, "more": 1}, '"more"')):
            answer = device.request("PUT", "/v1/owner", body)
            check(answer.status == 400 and word in answer.json()["detail"], "%s: %s", body, answer)
        check(device.request("PUT", "/v1/owner", b"x" * 5000, headers={"Content-Type": "application/json"}).status
              == 413, "too much")
        check(device.get("/v1/owner")["name"] == HOME["name"], "unchanged")


def test_only_the_owner_changes(programs, guests):
    """A change in the name of another owner is refused on every route of deployments, moves and modules; one
    without a name, and looking, go on."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        changes = (("PUT", "/v1/deployments/test"), ("DELETE", "/v1/deployments/test"),
                   ("POST", "/v1/deployments/test/2/prepare"), ("POST", "/v1/deployments/test/2/commit"),
                   ("POST", "/v1/deployments/test/2/abort"), ("POST", "/v1/moves/test/probe/freeze"),
                   ("PUT", "/v1/moves/test/probe/snapshot"), ("POST", "/v1/moves/test/probe/own"),
                   ("POST", "/v1/moves/test/probe/release"), ("POST", "/v1/moves/test/probe/abort"),
                   ("PUT", "/v1/modules/" + module), ("DELETE", "/v1/modules/" + module))

        def refused(owner, words):
            for method, path in changes:
                body = document("test", {"probe": (module, {"grants": GRANTS})}) if "deployments" in path else {}
                answer = device.request(method, path, body if method != "DELETE" else None, headers=headers(owner))
                problem = answer.json()
                check(answer.status == 409 and problem["type"] == "urn:isomer:problem:not-owner" and
                      words in problem["detail"], "%s %s: %s", method, path, answer)
                yield problem["owner"]
        check(set(refused(OTHER, "nobody")) == {None}, "also of nobody's device")
        device.good("PUT", "/v1/owner", HOME)
        check(all(owner["id"] == HOME["id"] for owner in refused(OTHER, "the home")), "the owner is named")
        check(device.get("/v1/deployments") == [], "nothing was deployed")
        answer = device.request("GET", "/v1/deployments", headers=headers(OTHER))
        check(answer.status == 200, "looking is no change: %s", answer)
        device.good("PUT", "/v1/deployments/test", document("test", {"probe": (module, {"grants": GRANTS})}),
                    headers=headers(HOME))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS})}, generation=2))
        check(device.get("/v1/deployments")[0]["app"] == "test", "by the owner, and by people")


def test_the_owner_outlives_a_crash(programs, guests):
    """After kill -9 it is still the owner's; a damaged file is told and the device is nobody's."""
    del guests
    with Device(programs) as device:
        device.good("PUT", "/v1/owner", HOME)
        told, boot = device.get("/v1/owner"), device.get("/v1/heartbeat")["boot"]
        device.kill()
        device.start()
        check(device.get("/v1/owner") == told, "still the same")
        check(device.get("/v1/heartbeat")["boot"] != boot, "another process")
        path = os.path.join(device.state, "owner.json")
        check(os.stat(path).st_mode & 0o777 == 0o600, "private")
        device.kill()
        with open(path, "w", encoding="utf-8") as stream:
            stream.write('{"id": 1, "since": 2}')
        device.start()
        check(device.request("GET", "/v1/owner").status == 404, "nobody's")
        check("owner" in device.log() and "owner.json" in device.log(), "told")
        device.good("PUT", "/v1/owner", OTHER)
        device.good("DELETE", "/v1/owner")
        check(not os.path.exists(path), "removed")


def test_heartbeat(programs, guests):
    """It says how the device is, and its revision changes exactly when there is something to ask for."""
    with Device(programs, options=["--workers", "1"]) as device:
        module = device.put_module(guests.bytes("probe"))
        first = device.get("/v1/heartbeat")
        check(set(first) == {"id", "boot", "uptime-ms", "revision", "load", "memory", "health", "owner",
                             "owner-name"}, "%s", first)
        description = device.get("/v1/device")
        check(first["id"] == description["id"] and len(first["boot"]) == 16 and first["health"] == "ok" and
              first["memory"]["free-bytes"] > 1 << 20 and first["owner"] is None, "%s", first)
        check((description["boot"], description["revision"]) == (first["boot"], first["revision"]), "%s", description)
        check(device.request("GET", "/v1/heartbeat", token=False).status == 401, "not for everybody")

        def beat():
            now = device.get("/v1/heartbeat")
            check(now["boot"] == first["boot"] and now["uptime-ms"] >= first["uptime-ms"], "%s", now)
            return now

        def changed(what, act, changes=True):
            before = beat()["revision"]
            act()
            check((beat()["revision"] > before) is changes, "%s: %d, then %d", what, before, beat()["revision"])
        changed("nothing", lambda: None, False)
        changed("deployed", lambda: device.deploy(document("test", {
            "probe": (module, {"grants": GRANTS, "mode": "service"})})))
        changed("calls", lambda: device.value("test/probe", "count-up", {"by": 1}), False)
        changed("looking", lambda: device.get("/v1/device"), False)
        changed("owner", lambda: device.good("PUT", "/v1/owner", HOME))
        changed("the same owner", lambda: device.good("PUT", "/v1/owner", HOME), False)
        check(beat()["owner"] == HOME["id"], "owner")
        changed("frozen", lambda: device.good("POST", "/v1/moves/test/probe/freeze", {"epoch": 1}))
        changed("thawed", lambda: device.good("POST", "/v1/moves/test/probe/abort", {}))
        changed("prepared", lambda: device.good("POST", "/v1/deployments/test/2/prepare", document(
            "test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}, generation=2)))
        changed("aborted", lambda: device.good("POST", "/v1/deployments/test/2/abort", {}))
        changed("removed", lambda: device.good("DELETE", "/v1/deployments/test"))


def test_heartbeat_says_what_is_wrong(programs, guests):
    """A device whose component cannot be begun is degraded; one whose processor is busy says how much."""
    with Device(programs, options=["--workers", "1"]) as device:
        data = guests.bytes("probe")
        module = device.put_module(data)
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "limits": {"time": "60s"}})},
                               drain="0s"))
        device.kill()
        for folder, _, files in os.walk(os.path.join(device.state, "modules")):
            for file in files:
                os.unlink(os.path.join(folder, file))
        device.start()
        until("it is degraded", lambda: device.get("/v1/heartbeat")["health"] == "degraded")
        device.put_module(data)
        until("it is well", lambda: device.get("/v1/heartbeat")["health"] == "ok")
        until("nothing runs", lambda: device.get("/v1/heartbeat")["load"] < 0.5)
        spinning = threading.Thread(target=lambda: device.call("test/probe", "spin", timeout=60))
        spinning.start()
        until("the only worker is busy", lambda: device.get("/v1/heartbeat")["load"] > 0.5)
        device.good("DELETE", "/v1/deployments/test")
        spinning.join()
        until("it is idle again", lambda: device.get("/v1/heartbeat")["load"] < 0.2)


def test_client_shows_the_owner(programs, guests):
    """isomer --device ... owner, owner rm."""
    del guests
    with Device(programs) as device:
        def client(*arguments):
            return subprocess.run([programs["client"], *arguments, "--device", "127.0.0.1:%d" % device.ports["http"]],
                                  capture_output=True, text=True, check=False,
                                  env={**os.environ, "ISOMER_TOKEN": device.token})
        result = client("owner")
        check(result.returncode == 0 and "nobody" in result.stdout, "%s", result)
        device.good("PUT", "/v1/owner", HOME)
        result = client("owner")
        check(result.returncode == 0 and all(part in result.stdout for part in
                                             (HOME["name"], HOME["address"], HOME["id"])), "%s", result)
        result = client("owner", "--json")
        check(result.returncode == 0 and json.loads(result.stdout)["id"] == HOME["id"], "%s", result)
        check(client("owner", "x").returncode == 64, "one thing to do with it")
        result = client("owner", "rm")
        check(result.returncode == 0 and device.request("GET", "/v1/owner").status == 404, "%s", result)
        check(client("owner", "--json").stdout.strip() == "null", "none")


def test_registers(programs, guests):
    """A device tells the orchestrator that it was given who it is and where, whatever certificate that has."""
    del guests
    with Device(programs, name="other") as other, Registry(os.path.join(other.state, "identity.pem")) as registry, \
            Device(programs, name="shy", options=["--orchestrator", "https://localhost:%d" % registry.port]) as device:
        until("it has registered", lambda: registry.seen)
        path, media_type, body = registry.seen[0]
        check((path, media_type) == ("/v1/register", "application/json"), "%s %s", path, media_type)
        check(body["id"] == device.get("/v1/device")["id"] and body["name"] == "shy" and
              body["https"] == device.ports["https"] and body["pin"].startswith("sha256:"), "%s", body)
        until("it says so", lambda: "has been told of this device" in device.log())


def test_registers_when_the_orchestrator_comes_later(programs, guests):
    """Nobody there, then somebody who refuses: the device serves all the same, says so once, and tries again."""
    del guests
    port = free_port()
    with Device(programs, options=["--orchestrator", "http://127.0.0.1:%d/fleet" % port]) as device:
        until("the failure is told", lambda: "not told" in device.log())
        with Registry(port=port, status=503) as registry:
            until("it tries again", lambda: registry.seen)
            check(registry.seen[0][0] == "/fleet/v1/register", "%s", registry.seen[0])
            registry.status = 202
            until("it has registered", lambda: "has been told of this device" in device.log())
        check(device.log().count("not told") == 1, "once is enough")
        check(device.get("/v1/heartbeat")["health"] == "ok", "it is well")


def test_bad_orchestrators(programs, guests):
    """What is no address of an orchestrator, or could not be reached by it, is refused at the start."""
    del guests
    for options, word in ((["--orchestrator", "192.0.2.7"], "https://192.0.2.7:8491"),
                          (["--orchestrator", "https://192.0.2.7:8491", "--https", "none"], "--https")):
        with tempfile.TemporaryDirectory() as state:
            result = subprocess.run([programs["supervisor"], "--state", state, "--http", "127.0.0.1:0", "--coap", "none",
                                     "--coaps", "none", "--no-mdns", *(["--https", "127.0.0.1:0"]
                                                                       if "--https" not in options else []), *options],
                                    capture_output=True, text=True, timeout=60, check=False)
            check(result.returncode == 64 and word in result.stderr, "%s: %s", options, result)
