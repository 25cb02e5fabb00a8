"""Moving services that are called all the time: no call is lost, none is executed twice, none answered wrongly."""

import contextlib
import random
import statistics
import threading
import time
import uuid

from fleet import Failure, check, inside, site, until
from test_faults import lan
from test_apps import LINK

CALLERS = 4


def counter():
    """A counting service that may be on any device with the label, and a component that is linked to it."""
    return {"app": "lab", "components": {
        "probe": {"package": "file:probe", "mode": "service", "place": {"label": "job=yes"}},
        "caller": {"package": "file:caller", "place": {"device": "hall"}, "limits": {"time": "30s"}}},
            "links": {"caller." + LINK: "probe"}}


class Callers:
    """Threads that count up through the orchestrator, each call under an id of its own, which is repeated until it
    is answered."""

    def __init__(self, held, namespace=None):
        self.held, self.namespace = held, namespace
        self.stop, self.failed = threading.Event(), None
        self.values, self.lock, self.repeated, self.longest = [], threading.Lock(), 0, 0.0
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(CALLERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def run(self):
        try:
            with inside(self.namespace) if self.namespace else contextlib.nullcontext():
                while not self.stop.is_set():
                    self.one()
        except Exception as problem:  # pylint: disable=broad-except
            self.failed = problem

    def one(self):
        key, start = uuid.uuid4().hex, time.monotonic()
        while True:
            try:
                answer = self.held.call("lab/probe", "count-up", {"by": 1}, headers={"Idempotency-Key": key},
                                        timeout=60)
            except OSError:
                answer = None
            if answer is not None and answer.status == 200:
                break
            if time.monotonic() > start + 90:
                raise Failure("a call is never answered: %s" % answer)
            with self.lock:
                self.repeated += 1
            time.sleep(0.02)
        with self.lock:
            self.values.append(answer.json())
            self.longest = max(self.longest, time.monotonic() - start)

    def verify(self, final):
        """Every call was executed exactly once: their results are 1, 2, 3, ... without a gap or a repetition."""
        check(self.failed is None, "a caller: %s", self.failed)
        got = sorted(self.values)
        check(got == list(range(1, len(got) + 1)), "%d results, %d different, from %s to %s", len(got), len(set(got)),
              got[:1], got[-1:])
        check(final == len(got), "the service counted %s, there were %d calls", final, len(got))


def running_on(devices):
    """Devices whose own word it is that the service runs there."""
    found = []
    for name, device in devices.items():
        answer = device.request("GET", "/v1/deployments/lab")
        if answer.status == 200:
            component = answer.json().get("components", {}).get("probe")
            if component and component["state"] in ("running", "draining") and not component.get("move"):
                found.append(name)
    return found


def test_moves_under_calls(programs, guests):
    """A counting service moves between two devices on the bridge while four callers count: 500 times in the full
    set. The median downtime is printed; calls through a link are answered all the time."""
    times = 500 if programs["full"] else 30
    with lan(programs, "hall", "den") as (net, held, devices):
        for name in devices:
            held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
        held.deploy(counter(), {"probe": guests.bytes("probe"), "caller": guests.bytes("caller")})
        downtimes = []
        with Callers(held, net.name("brain")) as callers:
            until("callers call", lambda: len(callers.values) > 10)
            for number in range(times):
                home = held.where("lab", "probe")
                moved = held.move("lab", "probe", "den" if home == "hall" else "hall", 60)
                downtimes.append(moved["moves"][0]["downtime-ms"])
                if number % 10 == 0:
                    check(held.value("lab/caller", "twice", {"value": number}) == 2 * number, "through the link")
        callers.verify(held.value("lab/probe", "get-count"))
        check(len(running_on(devices)) == 1, "it runs on %s", running_on(devices))
        print("      %d moves, %d calls, downtime: median %.1f ms, 95 %% %.1f ms; longest call %.0f ms; %d repeated"
              % (times, len(callers.values), statistics.median(downtimes), sorted(downtimes)[int(0.95 * times)],
                 1000 * callers.longest, callers.repeated))


def test_moves_with_cut_links(programs, guests):
    """The bridge is cut at random moments of moves (50 in the full set): never do two copies run, afterwards
    exactly one does, and no count is lost."""
    chance = random.Random(11)
    with lan(programs, "hall", "den") as (net, held, devices):
        for name in devices:
            held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
        held.deploy(counter(), {"probe": guests.bytes("probe"), "caller": guests.bytes("caller")})
        with Callers(held, net.name("brain")) as callers:
            until("callers call", lambda: len(callers.values) > 10)
            for number in range(50 if programs["full"] else 4):
                home = held.where("lab", "probe")
                accepted = held.good("POST", "/v1/apps/lab/components/probe/move",
                                     {"to": "den" if home == "hall" else "hall"}).json()["generation"]
                time.sleep(chance.uniform(0, 0.06))
                net.switch(False)
                for _ in range(5):
                    check(len(running_on(devices)) <= 1, "two copies run: cut %d", number)
                    time.sleep(chance.uniform(0.05, 0.5))
                net.switch(True)
                held.await_end("lab", accepted, 90)
                until("it runs again", lambda: held.get("/v1/apps/lab")["state"] == "running", 60)
                check(len(running_on(devices)) == 1, "it runs on %s", running_on(devices))
            before = len(callers.values)
            until("callers go on", lambda: len(callers.values) > before + 10, 60)
        callers.verify(held.value("lab/probe", "get-count"))


def test_a_call_under_way_moves(programs, guests):
    """A long call is in the midst of its work when its service moves, twice; its caller gets the right answer."""
    with site(programs, "hall", "den") as (held, _):
        app = {"app": "lab", "components": {"probe": {"package": "file:probe", "mode": "service",
                                                      "limits": {"time": "5min"}}}}
        held.deploy(app, {"probe": guests.bytes("probe")})
        right = held.value("lab/probe", "work", {"rounds": 30000000})
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            held.call("lab/probe", "work", {"rounds": 30000000}, timeout=200)), daemon=True)
        thread.start()
        for _ in range(2):
            time.sleep(0.1)
            home = held.where("lab", "probe")
            held.move("lab", "probe", "den" if home == "hall" else "hall", 60)
        thread.join(120)
        check(answers and answers[0].status == 200 and answers[0].json() == right, "answer: %s",
              answers[0] if answers else None)
