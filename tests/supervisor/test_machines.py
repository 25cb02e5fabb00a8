"""Several devices: links and flows between them, over TLS and over DTLS; devices that are killed and come
back."""

import base64
import contextlib
import os
import time

from device import GRANTS, Device, check, document, until
from suite import free_port

LINK = "test:probe/calc@1.0.0"


def key(first, second):
    """Some key of a direction between two devices."""
    return base64.b64encode(("%d to %d" % (first, second)).ljust(32, ".").encode()).decode()


class Machines:
    """Devices d0, d1, ..., which know each other as peers p0, p1, ..."""

    def __init__(self, programs, stack, count, transport="tls"):
        self.devices = [stack.enter_context(Device(programs, name="d%d" % i,
                                                   options=["--coaps", "127.0.0.1:%d" % free_port()]))
                        for i in range(count)]  # which keep their ports when they are killed
        self.ids = [device.get("/v1/device")["id"] for device in self.devices]
        self.transport = transport

    def peers(self, own, calls):
        return {"p%d" % i: {
            "device": self.ids[i],
            "connect": {"addresses": ["127.0.0.1:%d" % device.ports["coaps"]], "transport": self.transport,
                        "identity": "i-%d-%d" % (own, i), "key": key(own, i)},
            "accept": {"identity": "i-%d-%d" % (i, own), "key": key(i, own), "calls": calls}}
                for i, device in enumerate(self.devices) if i != own}

    def deploy(self, own, components, calls=(), generation=1, flows=None, expect=None):
        """flows: steps and events with `at` as the number of a device."""
        def place(at):
            return {} if at == own else {"at": "p%d" % at}

        def local(flow):
            steps = [{**{k: v for k, v in step.items() if k != "at"}, **place(step["at"])} for step in flow["steps"]]
            on = {k: v for k, v in flow["on"].items() if k != "at"}
            if "at" in flow["on"]:
                on.update(place(flow["on"]["at"]))
            return {**flow, "on": on, "steps": steps}
        text = document("lab", components, generation, peers=self.peers(own, list(calls)),
                        flows={name: local(flow) for name, flow in (flows or {}).items()})
        answer = self.devices[own].request("PUT", "/v1/deployments/lab", text)
        check(answer.status == expect if expect else 200 <= answer.status < 300, "deploy on %d: %s", own, answer)
        return answer


def flow_of(device, name):
    return next(flow for flow in device.get("/v1/flows")["flows"] if flow["flow"] == name)


def test_links_between_devices(programs, guests):
    """A component's import is a component on another device, over TLS and DTLS; the callee's device is killed
    while calls are made, and comes back."""
    for transport in ("tls", "dtls"):
        with contextlib.ExitStack() as stack:
            machines = Machines(programs, stack, 2, transport)
            first, second = machines.devices
            probe = second.put_module(guests.bytes("probe"))
            caller = first.put_module(guests.bytes("caller"))
            machines.deploy(1, {"probe": (probe, {"grants": GRANTS, "mode": "service"})}, calls=["probe"])
            links = {LINK: {"peer": "p1", "component": "probe", "epoch": 1}}
            machines.deploy(0, {"caller": (caller, {"links": links, "limits": {"time": "30s"}})})
            check(first.value("lab/caller", "twice", {"value": 21}) == 42, "twice over %s", transport)
            check(first.value("lab/caller", "many", {"times": 100}) == 100, "many over %s", transport)
            for size in (900, 1000, 1024, 200000):
                data = os.urandom(size)
                answer = first.call("lab/caller", "pass", data, headers={"Content-Type": "application/octet-stream",
                                                                         "Accept": "application/octet-stream"})
                check(answer.status == 200 and answer.body == data, "%d bytes over %s: %s", size, transport,
                      answer.body[:500] if answer.status != 200 else "other bytes")
            second.kill()
            second.start()
            check(first.value("lab/caller", "twice", {"value": 4}) == 8, "after a restart, over %s", transport)
            link = first.get("/v1/flows")["links"][0]
            check(link["target"] == "probe" and link["device"] == machines.ids[1], "status: %s", link)


def test_what_a_deployment_does_not_open_is_closed(programs, guests):
    """A peer may call what the callee's document names, with the callee's epoch, and nothing else."""
    with contextlib.ExitStack() as stack:
        machines = Machines(programs, stack, 2)
        first, second = machines.devices
        probe = second.put_module(guests.bytes("probe"))
        caller = first.put_module(guests.bytes("caller"))
        machines.deploy(1, {"probe": (probe, {"grants": GRANTS, "mode": "service"})})
        links = {LINK: {"peer": "p1", "component": "probe", "epoch": 1}}
        machines.deploy(0, {"caller": (caller, {"links": links})})
        answer = first.call("lab/caller", "twice", {"value": 21})
        check(answer.status == 500 and b"does not let you call" in answer.body, "closed: %s", answer)
        machines.deploy(1, {"probe": (probe, {"grants": GRANTS, "mode": "service"})}, calls=["probe"], generation=2)
        check(first.value("lab/caller", "twice", {"value": 21}) == 42, "opened")
        machines.deploy(1, {"probe": (probe, {"grants": GRANTS, "mode": "service", "epoch": 2})}, calls=["probe"],
                        generation=3)
        answer = first.call("lab/caller", "twice", {"value": 21})
        check(answer.status == 500 and b"epoch 2" in answer.body, "epoch: %s", answer)


def step(at, name, call, **members):
    return {"as": name, "at": at, "component": "probe", "call": call, "epoch": 1, **members}


def test_a_flow_through_three_devices(programs, guests):
    """A flow through three devices and twice through one function: called, by a timer, while a device is
    killed; every run is accounted for."""
    with contextlib.ExitStack() as stack:
        machines = Machines(programs, stack, 3)
        modules = [device.put_module(guests.bytes("probe")) for device in machines.devices]
        asked = {"on": {"call": True}, "steps": [
            step(0, "a", "add", **{"with": {"a": "$input", "b": 1}}),
            step(1, "b", "add", **{"with": {"a": "$a", "b": 10}}),
            step(2, "c", "add", **{"with": {"a": "$b", "b": 100}}),
            step(1, "d", "add", **{"with": {"a": "$c", "b": 1000}})]}
        timed = {"on": {"every": "20ms"}, "overload": "drop-oldest", "window": 4, "steps": [
            step(0, "n", "count-up", **{"with": {"by": 1}}),
            step(1, "m", "work", **{"with": {"rounds": "$n"}}),
            step(2, "o", "count-up", **{"with": {"by": 1}})]}
        flows = {"asked": asked, "timed": timed}
        for own in (2, 1, 0):
            machines.deploy(own, {"probe": (modules[own], {"grants": GRANTS, "mode": "service"})}, flows=flows)
        first, _, third = machines.devices
        for number in (0, 5, -7):
            answer = first.good("POST", "/v1/flows/lab/asked", "%d" % number,
                                headers={"Content-Type": "application/json"})
            check(answer.json() == number + 1111, "asked %d: %s", number, answer)
        until("runs finish", lambda: flow_of(first, "timed")["finished"] >= 10)
        third.kill()
        time.sleep(1)
        third.start()
        before = flow_of(first, "timed")["finished"]
        until("runs finish again", lambda: flow_of(first, "timed")["finished"] >= before + 10)
        flow = flow_of(first, "timed")
        check(flow["started"] == sum(flow[end] for end in ("finished", "failed", "dropped", "lost", "running")),
              "account: %s", flow)
        check(b'isomer_flow_runs_total{app="lab",flow="timed",end="finished"}' in first.good("GET", "/metrics").body,
              "metrics")


def test_a_failed_step_is_named(programs, guests):
    """What goes wrong on another device is told to who called the flow; a flow that does not fit is refused
    when it is deployed, with its place."""
    with contextlib.ExitStack() as stack:
        machines = Machines(programs, stack, 2)
        modules = [device.put_module(guests.bytes("probe")) for device in machines.devices]
        flow = {"on": {"call": True}, "steps": [step(0, "a", "get-count"), step(1, "b", "trap", **{"with": {}})]}
        for own in (1, 0):
            machines.deploy(own, {"probe": (modules[own], {"grants": GRANTS, "mode": "service"})}, flows={"f": flow})
        answer = machines.devices[0].request("POST", "/v1/flows/lab/f")
        check(answer.status == 500 and b"step 1 (probe.trap) on " + machines.ids[1].encode() in answer.body,
              "failure: %s", answer)
        flow = {"on": {"call": True}, "steps": [step(0, "a", "get-count"),
                                                step(0, "b", "say", **{"with": {"text": "$a"}})]}
        answer = machines.deploy(0, {"probe": (modules[0], {"grants": GRANTS, "mode": "service"})}, generation=2,
                                 flows={"f": flow}, expect=400)
        check("/flows/f/steps/1/with/text" in answer.json()["detail"], "place: %s", answer)
