"""Faults: devices that die, lie, are slow or full; orchestrators that are killed; networks that break. In all of
them: success is reported only when every device has confirmed, what ran before goes on when a change fails, no
application holds another one, and when the fault ends the wanted state is reached without help."""

import contextlib
import os
import random
import socket
import subprocess
import time

from fleet import Device, Lan, LanDevice, LanOrchestrator, Orchestrator, Skip, check, site, until
from proxy import Proxy
from suite import free_port
from test_apps import files, manifest


def plain(name, device, **more):
    """An application with one service on one device."""
    return {"app": name, "components": {"probe": {"package": "file:probe", "mode": "service",
                                                  "place": {"device": device}, **more}}}


def probe(guests):
    return {"probe": guests.bytes("probe")}


@contextlib.contextmanager
def between(programs):
    """hall is asked directly, den through a proxy."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(Orchestrator(programs))
        hall = stack.enter_context(Device(programs, name="hall"))
        den = stack.enter_context(Device(programs, name="den"))
        proxy = stack.enter_context(Proxy(den))
        held.add(hall)
        held.good("POST", "/v1/devices", {"address": "http://127.0.0.1:%d" % proxy.port, "token": den.token})
        for name in ("hall", "den"):
            held.await_state(name, "up")
        yield held, hall, den, proxy


def settle(held, seconds=60):
    """The application runs everywhere, and its parts reach each other."""
    until("the application runs", lambda: held.get("/v1/apps/lab")["state"] == "running", seconds)
    until("its link works", lambda: held.call("lab/caller", "twice", {"value": 3}).status == 200, seconds)


def test_a_device_that_answers_wrongly(programs, guests):
    """404, 500, garbage, late answers, or answers that are lost after the deed: to each request of a deployment in
    turn. A generation succeeds, fails, or is tried again as the next one; the one before runs on until then;
    afterwards all is well."""
    with between(programs) as (held, hall, den, proxy):
        held.deploy(manifest(), files(guests))
        number = 1
        cases = [(what, action)
                 for what in ("PUT /v1/modules|HEAD /v1/modules", "POST .*/prepare", "POST .*/commit")
                 for action in ("404", "500", "garbage", "late", "after")]
        for what, action in cases if programs["full"] else cases[::3]: # every request, every action
            proxy.rule(what, action, times=2)
            number += 1
            changed = manifest(caller={"place": {"device": "hall"}, "config": {"number": str(number)}},
                               probe={"place": {"device": "den"}, "config": {"number": str(number)}})
            accepted = held.start_deploy(changed, files(guests))
            other = held.deploy(plain("other-%d" % number, "hall"), probe(guests))
            check(other["state"] == "running", "another application is not held up: %s", other)
            ended = held.await_end("lab", accepted)
            proxy.clear()
            on_den = den.get("/v1/deployments/lab")
            if ended["state"] in ("committed", "replaced"): # by one that repairs what this has left
                check(on_den["generation"] >= accepted, "%s %s: reported and not there: %s", what, action, on_den)
            else:
                check(ended["state"] in ("failed", "superseded"), "%s %s: %s", what, action, ended)
                check("den" in ended["error"], "%s %s: which device: %s", what, action, ended["error"])
            settle(held)
            held.good("DELETE", "/v1/apps/other-%d" % number)


def test_a_device_dies_at_each_step(programs, guests):
    """Killed when it is asked to take a module, to prepare or to commit, before or after the deed: nobody is told
    of a success that was none; when it is back the application is whole."""
    with between(programs) as (held, _, den, proxy):
        held.deploy(manifest(), files(guests))
        number = 1

        def die(then):
            def act(method, path):
                den.kill()
                return then
            return act

        def die_after(method, path):
            den.good(method, path)
            den.kill()
            return "garbage"
        for what, act in (("POST .*/prepare", die("garbage")), ("POST .*/commit", die("garbage")),
                          ("POST .*/commit", die_after)):
            number += 1
            proxy.rule(what, act, times=1)
            changed = manifest(caller={"place": {"device": "hall"}, "config": {"number": str(number)}},
                               probe={"place": {"device": "den"}, "config": {"number": str(number)}})
            accepted = held.start_deploy(changed, files(guests))
            until("it dies", lambda: den.process is None)
            state = held.generation("lab", accepted)["state"]
            check(state != "committed", "a success without the device: %s", state)
            den.start() # at other ports, to which the proxy and then the links follow it
            ended = held.await_end("lab", accepted)
            settle(held)
            if ended["state"] in ("committed", "replaced"):
                check(den.get("/v1/deployments/lab")["generation"] >= accepted, "%s: %s", what, ended)


def test_the_orchestrator_is_killed(programs, guests):
    """At random moments of deployments (50 in the full set): it comes back, finds out how far it was, and the
    wanted state is reached; nothing that was committed is lost."""
    chance = random.Random(5)
    with site(programs, "hall", "den") as (held, devices):
        held.deploy(manifest(), files(guests))
        for round_number in range(50 if programs["full"] else 8):
            text = "round %d" % round_number
            changed = manifest(caller={"place": {"device": "hall"}, "config": {"text": text}},
                               probe={"place": {"device": "den" if round_number % 2 else "hall"},
                                      "config": {"text": text}})
            accepted = held.start_deploy(changed, files(guests))
            time.sleep(chance.uniform(0, 0.25))
            held.kill()
            held.start()
            until("the wanted state is reached", lambda t=text: held.get("/v1/apps/lab")["state"] == "running" and
                  held.call("lab/probe", "setting", {"key": "text"}).body == ('"%s"' % t).encode())
            check(held.generation("lab", accepted)["state"] in ("committed", "superseded", "replaced"),
                  "generation %d: %s", accepted, held.generation("lab", accepted)["state"])
            running = []
            for name, device in devices.items():
                answer = device.request("GET", "/v1/deployments/lab")  # 404: what was left has been deleted already
                check(answer.status in (200, 404), "%s: %s", name, answer)
                if answer.status == 200 and answer.json()["components"].get("probe"):
                    running.append(name)
            check(len(running) == 1, "the service is on %s", running)
        until("the link", lambda: held.call("lab/caller", "twice", {"value": 3}).status == 200)


def test_a_device_comes_back_at_another_address(programs, guests):
    """Who is linked to it is told, and nothing else changes: the service keeps its epoch."""
    fixed = {"den": ["--http", "127.0.0.1:%d" % free_port()]}
    with site(programs, "hall", "den", options=fixed) as (held, devices):
        held.deploy(manifest(), files(guests))
        epoch = held.get("/v1/apps/lab")["components"][1]["epoch"]
        den = devices["den"]
        den.stop()
        before = den.ports["coaps"]
        with socket.create_server(("127.0.0.1", before)):  # so that CoAP gets another port
            den.start()
        check(den.ports["coaps"] != before, "CoAP is at %d again", before)
        until("the link leads there", lambda: held.call("lab/caller", "twice", {"value": 3}).status == 200)
        until("all know it", lambda: held.get("/v1/apps/lab")["state"] == "running")
        check(held.get("/v1/apps/lab")["components"][1]["epoch"] == epoch, "the epoch")
        check(held.get("/v1/apps/lab/generations")[0]["cause"] == "repair", "why")


def test_two_orchestrators(programs, guests):
    """The second one for a device is refused and told who has it; the first goes on. It can be taken over."""
    del guests
    with site(programs, "hall") as (held, devices):
        with Orchestrator(programs, name="rival") as rival:
            hall = devices["hall"]
            answer = rival.request("POST", "/v1/devices", {"address": "http://127.0.0.1:%d" % hall.ports["http"],
                                                           "token": hall.token})
            check(answer.status == 409 and b"site" in answer.body, "refused: %s", answer)
            check(rival.get("/v1/devices")["devices"] == [], "and not kept")
            held.await_state("hall", "up") # the first one has it
            rival.add(hall, **{"take-over": True})
            until("the first one notices", lambda: held.device("hall")["state"] == "refuses")
            check("rival" in held.device("hall")["reason"], "and says who: %s", held.device("hall"))


@contextlib.contextmanager
def small_disk(kilobytes):
    """A folder on a file system of that size."""
    import tempfile # pylint: disable=import-outside-toplevel
    folder = tempfile.mkdtemp(prefix="isomer-disk-")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dk,mode=0700" % kilobytes, "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        os.rmdir(folder)
        raise Skip("mounting is not allowed here: " + made.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)
        os.rmdir(folder)


def test_a_full_disk(programs, guests):
    """A device without room refuses, and that is told; what runs there goes on; with room again it succeeds."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(small_disk(2048))
        held = stack.enter_context(Orchestrator(programs))
        full = stack.enter_context(Device(programs, name="small", state=folder))
        held.add(full)
        held.await_state("small", "up")
        held.deploy(plain("first", "small"), probe(guests))
        filler = os.path.join(folder, "filler")
        with contextlib.suppress(OSError), open(filler, "wb") as stream:
            for _ in range(4096):
                stream.write(bytes(1024))
                stream.flush()
        number = held.start_deploy(plain("second", "small"), probe(guests))
        until("the device has refused", lambda: "no space left" in held.get("/v1/apps/second")["reason"])
        check(held.generation("second", number)["state"] != "committed", "no success")
        check(held.value("first/probe", "count-up", {"by": 1}) == 1, "what runs goes on")
        os.remove(filler)
        until("it is deployed after all", lambda: held.get("/v1/apps/second")["state"] == "running")


# ---- In network namespaces ----------------------------------------------------------------------

@contextlib.contextmanager
def lan(programs, *hosts):
    """An orchestrator and devices, each on a machine of its own; found and paired."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(Lan("brain", *hosts))
        devices = {host: stack.enter_context(LanDevice(programs, net, host)) for host in hosts}
        held = stack.enter_context(LanOrchestrator(programs, net, "brain"))
        for device in devices.values():
            held.pair(device)
        for host in hosts:
            held.await_state(host, "up")
        yield net, held, devices


def test_a_device_is_lost(programs, guests):
    """A component that may be restarted runs elsewhere within 10 s of the death of its device, although it was moved
    there by hand; one that keeps state waits for its device; the device that comes back has no copy running."""
    def lose(held, devices):
        """How many seconds it took."""
        home = held.where("lab", "probe")
        other = {"den": "attic", "attic": "den"}[home]
        held.deploy(plain("patient", home), probe(guests))
        devices[home].kill()
        died = time.monotonic()
        until("it runs elsewhere", lambda: held.where("lab", "probe") == other and
              held.call("lab/probe", "get-count").status == 200)
        took = time.monotonic() - died
        until("the link leads there", lambda: held.call("lab/caller", "twice", {"value": 3}).status == 200)
        until("the other waits", lambda: held.get("/v1/apps/patient")["state"] == "degraded")
        check(held.where("patient", "probe") == home, "where it was")
        devices[home].start()
        until("the other runs again", lambda: held.get("/v1/apps/patient")["state"] == "running" and
              held.call("patient/probe", "get-count").status == 200)
        until("the old copy is gone", lambda: "probe" not in devices[home].request(
            "GET", "/v1/deployments/lab").body.decode() or devices[home].request(
                "GET", "/v1/deployments/lab").status == 404)
        return took
    with lan(programs, "hall", "den", "attic") as (_, held, devices):
        app = {"app": "lab", "components": {
            "probe": {"package": "file:probe", "mode": "service", "on-loss": "restart",
                      "place": {"label": "job=yes"}},
            "caller": {"package": "file:caller", "place": {"device": "hall"}}}}
        for name in ("den", "attic"):
            held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
        held.deploy(app, files(guests))
        held.move("lab", "probe", {"den": "attic", "attic": "den"}[held.where("lab", "probe")])
        took = []
        while not took or took[-1] > 10 and len(took) < 4: # again when the processors were busy with other things
            took.append(lose(held, devices))
        check(took[-1] <= 10, "it took %s s", took)


def test_a_partition_during_a_deployment(programs, guests):
    """The bridge goes down for 8 s at some moment of deployments: afterwards the wanted state is reached."""
    chance = random.Random(7)
    with lan(programs, "hall", "den") as (net, held, devices):
        held.deploy(manifest(), files(guests))
        for round_number in range(6 if programs["full"] else 1):
            text = "round %d" % round_number
            changed = manifest(caller={"place": {"device": "hall"}, "config": {"text": text}},
                               probe={"place": {"device": "den"}, "config": {"text": text}})
            accepted = held.start_deploy(changed, files(guests))
            time.sleep(chance.uniform(0, 0.15))
            net.switch(False)
            time.sleep(8)
            state = held.generation("lab", accepted)["state"]
            on_den = devices["den"].get("/v1/deployments/lab").get("generation")
            check(state != "committed" or on_den == accepted, "reported %s, den has %s", state, on_den)
            net.switch(True)
            ended = held.await_end("lab", accepted)
            if ended["state"] == "failed":
                held.deploy(changed, files(guests))
            settle(held)


def test_without_the_orchestrator(programs, guests):
    """With the orchestrator off, devices are switched off and on again: applications go on, flows included."""
    with lan(programs, "hall", "den") as (_, held, devices):
        app = manifest(flows={"tick": {"on": {"every": "100ms"}, "steps": [
            {"as": "sum", "call": "near.add", "with": {"a": 1, "b": 2}},
            {"call": "probe.add", "with": {"a": "$sum", "b": 10}}]}})
        app["components"]["near"] = {"package": "file:probe", "place": {"device": "hall"}}
        app["components"]["caller"]["place"] = {"device": "hall"}
        app["links"] = {"caller.test:probe/calc@1.0.0": "probe"}
        held.deploy(app, files(guests))
        held.kill()

        def runs():
            flows = devices["hall"].get("/v1/flows")["flows"]
            return flows[0]["finished"] if flows else 0
        until("the flow runs", lambda: runs() > 3)
        for name in ("den", "hall"):
            devices[name].kill()
            devices[name].start()
            until("%s is back" % name, lambda n=name: devices[n].get("/v1/deployments/lab")["state"] == "committed")
        before = runs()
        until("the flow goes on", lambda: runs() > before + 3)
        until("calls do", lambda: devices["hall"].call("lab/caller", "twice", {"value": 2}).status == 200)
        held.start()
        until("and it is known again", lambda: held.get("/v1/apps/lab")["state"] == "running")


