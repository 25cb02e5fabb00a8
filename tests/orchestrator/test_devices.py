"""Devices: found, paired, added, lost and back, taken over, given back; by real supervisors."""

from device import Device
from fleet import Lan, LanDevice, LanOrchestrator, Orchestrator, check, site, until
from suite import free_port


def https_of(device):
    return "https://127.0.0.1:%d" % device.ports["https"]


def code_of(device):
    return device.good("POST", "/v1/pairing/code").json()["code"]


def candidates(held):
    return {item["name"]: item for item in held.get("/v1/devices")["candidates"]}


def events(held, name):
    return [event["event"] for event in held.events() if event.get("device") == name]


def test_pairs_with_a_code(programs, guests):
    """Pairing over HTTPS: the device belongs to this orchestrator, which has a token of its own; a wrong code
    leaves nothing behind."""
    del guests
    with Orchestrator(programs) as held, Device(programs, name="den") as den:
        tokens = len(den.get("/v1/tokens"))
        code_of(den)
        answer = held.request("POST", "/v1/devices", {"address": https_of(den), "code": "0000-0000-0000-0000"})
        check(answer.status == 403, "a wrong code: %s", answer)
        check(held.get("/v1/devices")["devices"] == [], "nothing is added")
        looked = held.request("POST", "/v1/devices", {"address": https_of(den)})
        check(looked.status == 202 and looked.json() == candidates(held)["den"], "a candidate: %s", looked)
        check(looked.json()["address"] == https_of(den) and looked.json()["owner"] is None, "whose: %s", looked)
        check(den.request("GET", "/v1/owner").status == 404 and len(den.get("/v1/tokens")) == tokens,
              "nothing is left on the device")
        made = held.good("POST", "/v1/devices", {"address": https_of(den), "code": code_of(den)})
        check(made.status == 201 and made.json()["name"] == "den", "paired: %s", made)
        held.await_state("den", "up")
        shown = held.device("den")
        check(shown["address"] == https_of(den) and shown["pin"].startswith("sha256:"), "shown: %s", shown)
        check(shown["cores"] >= 1 and shown["speed"] > 0 and shown["latency-us"] > 0, "described: %s", shown)
        check("neighbours" not in shown["description"], "without its neighbours")
        check(den.get("/v1/owner")["name"] == held.name, "it belongs to the orchestrator")
        again = held.request("POST", "/v1/devices", {"address": https_of(den), "code": code_of(den)})
        check(again.status == 409 and "already" in again.json()["detail"], "again: %s", again)


def test_a_second_orchestrator_is_refused(programs, guests):
    """A device belongs to one orchestrator; a second one is told whose it is. It may take it over; the first
    then sees that it is refused, and after the device is given back can have it again."""
    del guests
    with Orchestrator(programs, name="site") as first, Orchestrator(programs, name="rival") as second, \
            Device(programs, name="den") as den:
        first.add(den)
        first.await_state("den", "up")
        tokens = len(den.get("/v1/tokens"))
        body = {"address": "http://127.0.0.1:%d" % den.ports["http"], "token": den.token}
        refused = second.request("POST", "/v1/devices", body)
        check(refused.status == 409 and "site" in refused.json()["detail"], "refused: %s", refused)
        check(len(den.get("/v1/tokens")) == tokens, "its token was given back")
        first.await_state("den", "up")
        check("device-refuses" not in events(first, "den"), "the first one notices nothing")
        second.good("POST", "/v1/devices", {**body, "take-over": True})
        first.await_state("den", "refuses")
        check("belongs to" in first.device("den")["reason"], "why: %s", first.device("den"))
        check("device-refuses" in events(first, "den"), "an event says it")
        second.await_state("den", "up")
        second.good("DELETE", "/v1/devices/den")
        check(den.request("GET", "/v1/owner").status == 404, "given back")
        until("it belongs to nobody", lambda: "nobody" in first.device("den")["reason"])
        first.good("POST", "/v1/devices", body)
        first.await_state("den", "up")


def test_lost_and_back(programs, guests):
    """A device that is killed is suspect, then lost, and when it runs again up, described anew."""
    del guests
    port = free_port()
    with site(programs, "den", options={"den": ["--http", "127.0.0.1:%d" % port]}) as (held, devices):
        den = devices["den"]
        before = held.device("den")
        den.kill()
        held.await_state("den", "lost")
        gone = held.device("den")
        check("not answer" in gone["reason"] and gone["seen"] >= before["seen"], "lost: %s", gone)
        den.options += ["--label", "room=attic"]
        den.start()
        held.await_state("den", "up")
        check(held.device("den")["labels"] == {"room": "attic"}, "described anew: %s", held.device("den"))
        told = events(held, "den")
        order = [told.index(name) for name in ("device-added", "device-suspect", "device-lost", "device-back")]
        check(order == sorted(order), "events: %s", told)


def test_a_port_that_another_device_has_taken(programs, guests):
    """Two devices of this machine that have swapped their ports since: neither is shown the other's token, and
    added again with their tokens, as `isomer up` does, both are up at once."""
    del guests
    ports = [free_port(), free_port()]
    with site(programs, "den", "kitchen", options={"den": ["--http", "127.0.0.1:%d" % ports[0]],
                                                   "kitchen": ["--http", "127.0.0.1:%d" % ports[1]]}) as (held, devices):
        den, kitchen = devices["den"], devices["kitchen"]
        ids = [held.device(name)["id"] for name in ("den", "kitchen")]
        den.kill()
        kitchen.kill()
        held.await_state("den", "lost")
        den.options[den.options.index("--http") + 1] = "127.0.0.1:%d" % ports[1]
        den.start()
        until("what answers there is another device",
              lambda: "another device" in held.device("kitchen").get("reason", ""))
        check(held.device("kitchen")["state"] in ("suspect", "lost"), "it does not refuse: %s", held.device("kitchen"))
        kitchen.options[kitchen.options.index("--http") + 1] = "127.0.0.1:%d" % ports[0]
        kitchen.start()
        tokens = len(den.get("/v1/tokens"))
        for device in (den, kitchen, den):
            held.add(device)
        held.await_state("den", "up")
        held.await_state("kitchen", "up")
        check([held.device(name)["id"] for name in ("den", "kitchen")] == ids, "the same two devices")
        check(len(held.get("/v1/devices")["devices"]) == 2, "and no others")
        check(len(den.get("/v1/tokens")) == tokens, "the token of before is withdrawn")
        check("device-refuses" not in events(held, "den") + events(held, "kitchen"), "none has refused")


def test_what_is_set_here_survives(programs, guests):
    """Name, labels and draining are there after the orchestrator was killed; names are unique."""
    del guests
    port = free_port()
    with site(programs, "den", orchestrator={"options": ["--http", "127.0.0.1:%d" % port]}) as (held, _), \
            Device(programs, name="den", options=["--label", "room=cellar", "--label", "old=yes"]) as twin:
        check(held.add(twin)["name"] == "den-2", "the second of that name")
        held.await_state("den-2", "up")
        check(held.request("PATCH", "/v1/devices/den-2", {"name": "den"}).status == 409, "a name that is taken")
        held.good("PATCH", "/v1/devices/den-2",
                  {"name": "cellar", "labels": {"floor": "0", "old": None}, "drained": True})
        held.kill()
        held.start()
        held.await_state("cellar", "up")
        shown = held.device("cellar")
        check(shown["labels"] == {"room": "cellar", "floor": "0"} and shown["drained"], "shown: %s", shown)
        held.good("DELETE", "/v1/devices/cellar")
        check(held.request("GET", "/v1/devices/cellar").status == 404, "removed")
        check(twin.request("GET", "/v1/owner").status == 404, "given back")


def test_removing_what_does_not_answer(programs, guests):
    """A device that is off is removed only when it may be forgotten."""
    del guests
    with site(programs, "den") as (held, devices):
        devices["den"].kill()
        answer = held.request("DELETE", "/v1/devices/den")
        check(answer.status == 504, "it does not answer: %s", answer)
        held.good("DELETE", "/v1/devices/den?forget=true")
        check(held.get("/v1/devices")["devices"] == [], "forgotten")


def test_registers_by_itself(programs, guests):
    """A device that is told of an orchestrator becomes a candidate there; paired, it is found again at a new
    port without anybody's help."""
    del guests
    with Orchestrator(programs) as held:
        url = "http://127.0.0.1:%d" % held.ports["http"]
        with Device(programs, name="den", options=["--orchestrator", url]) as den:
            until("it is a candidate", lambda: "den" in candidates(held))
            found = candidates(held)["den"]
            check(found["found"] == "register" and found["address"] == https_of(den) and found["owner"] is None,
                  "found: %s", found)
            held.good("POST", "/v1/devices", {"address": "den", "code": code_of(den)})
            held.await_state("den", "up")
            check(candidates(held) == {}, "a candidate no more")
            den.kill()
            den.start()
            until("it is found at its new port",
                  lambda: held.device("den")["address"] == https_of(den) and held.device("den")["state"] == "up")
            check(len(held.device("den")["addresses"]) == 2, "addresses: %s", held.device("den"))


def test_finds_devices_on_the_network(programs, guests):
    """By mDNS, between network namespaces: a candidate appears, is paired by its name, is lost when the network
    is cut, and back when it is whole; a candidate that ends disappears."""
    del guests
    with Lan("site", "den", "hall") as lan, LanOrchestrator(programs, lan, "site") as held, \
            LanDevice(programs, lan, "den") as den:
        check(held.pair(den)["state"] in ("known", "up"), "paired")
        held.await_state("den", "up")
        with LanDevice(programs, lan, "hall"):
            until("the other one is found", lambda: "hall" in candidates(held))
            check(candidates(held)["hall"]["found"] == "mdns", "found: %s", candidates(held))
        until("it says goodbye", lambda: "hall" not in candidates(held))
        lan.switch(False)
        held.await_state("den", "lost")
        lan.switch(True)
        held.await_state("den", "up")
