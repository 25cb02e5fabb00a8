"""Each application of examples/: built as its README says, deployed by the command, used."""

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile

from fleet import ROOT, Failure, Skip, check, site, until

EXAMPLES = os.path.join(ROOT, "examples")


def run(command, **options):
    """Output of a command that ends well; 77: something is missing."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode == 77:
        raise Skip(result.stderr.strip())
    check(result.returncode == 0, "%s: %s%s", " ".join(command), result.stdout, result.stderr)
    return result.stdout


@functools.lru_cache(maxsize=None)
def build(isomer, name):
    run([os.path.join(EXAMPLES, "build.sh"), name, isomer])


class Application:
    """An example in a folder of the test's own, where it may be changed, on the devices that it describes."""

    def __init__(self, programs, name, folder):
        build(programs["isomer"], name)
        self.programs, self.name = programs, name
        self.folder = shutil.copytree(os.path.join(EXAMPLES, name), os.path.join(folder, name))
        with open(os.path.join(self.folder, "app.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)
        self.held = self.devices = None

    @contextlib.contextmanager
    def site(self, *names):
        """An orchestrator with the devices of devices/, or with some of these names."""
        described = os.path.join(self.folder, "devices")
        found = sorted(os.listdir(described)) if os.path.exists(described) else []
        options = {file[:-5]: ["--config", os.path.join(described, file)] for file in found}
        with site(self.programs, *(names or options), options=options) as (self.held, self.devices):
            yield self

    def config(self, component, **settings):
        self.manifest["components"][component].setdefault("config", {}).update(
            {key.replace("_", "-"): value for key, value in settings.items()})

    def deploy(self):
        with open(os.path.join(self.folder, "app.json"), "w", encoding="utf-8") as file:
            json.dump(self.manifest, file)
        run([self.programs["client"], "--orchestrator", self.held.state, "deploy", self.folder])

    def simulate(self, device, *values):
        """By the command, as people do it."""
        name = "127.0.0.1:%d" % self.devices[device].ports["http"]
        run([self.programs["client"], "--device", name, "--token", self.devices[device].token, "simulate", *values])

    def events(self, component, name):
        """Payloads of the events that a component has emitted."""
        all_events = self.held.get("/v1/components/%s/%s/events?tail=1000" % (self.name, component))
        return [event["payload"] for event in all_events if event["name"] == name]

    def value(self, component, function, arguments=None):
        return self.held.value("%s/%s" % (self.name, component), function, arguments)


@contextlib.contextmanager
def example(programs, name):
    with tempfile.TemporaryDirectory(prefix="isomer-example-") as folder:
        yield Application(programs, name, folder)


def test_hello(programs, guests):
    """Two components on two devices; one asks the other."""
    del guests
    with example(programs, "hello") as app, app.site("kitchen", "den"):
        app.deploy()
        check(app.value("greeter", "greet", {"name": "Ada"}) == "Hello, Ada! You are number 1.", "greeted")
        check(app.held.where("hello", "greeter") != app.held.where("hello", "counter"), "apart")


# ---- thermostat -------------------------------------------------------------------------------

def test_thermostat_switches_the_line(programs, guests):
    """The simulated room gets cold and warm; the simulated line follows, with an event each time. When the sensor's
    device is gone, the line is let go."""
    del guests
    with example(programs, "thermostat") as app, app.site():
        app.config("rule", minimum_on="1", minimum_off="1")
        app.config("heater", hold="3")
        app.manifest["flows"]["guard"]["on"]["every"] = "500ms"
        app.deploy()
        line = app.devices["cellar"]

        def switched():
            return [(event["on"], event["celsius"]) for event in app.events("rule", "heating")]

        def heats(wanted, why):
            until(why, lambda: line.get("/v1/simulated")["gpio"]["heater"] == wanted)

        def switches(wanted, celsius, why):
            """The rule says so first: the line is let go by itself, too, when the processors are busy for long."""
            until(why, lambda: switched()[-1:] == [(wanted, celsius)])
            heats(wanted, why)

        until("the temperature is known", lambda: app.value("rule", "get-state")["celsius"] == 21)
        check(not app.value("rule", "get-state")["heating"], "it is warm enough")
        app.simulate("living", "room/temp=18.5")
        switches(True, 18.5, "the heater is on in the cold")
        app.simulate("living", "room/temp=21.4")
        until("it is warmer", lambda: app.value("rule", "get-state")["celsius"] == 21.4)
        check(app.value("rule", "get-state")["heating"], "within the hysteresis it goes on")
        app.simulate("living", "room/temp=21.6")
        switches(False, 21.6, "the heater is off when it is warm")
        app.simulate("living", "room/temp=10")
        switches(True, 10, "the heater is on again")
        check(switched() == [(True, 18.5), (False, 21.6), (True, 10)], "events: %s", switched())
        app.devices["living"].kill()
        heats(False, "nobody measures any more")
        released = app.events("heater", "released")  # more than one when the processors were busy with other things
        check(released and all(event == {"line": "heater", "seconds": 3} for event in released), "told: %s", released)
        told = run([programs["client"], "--orchestrator", app.held.state, "events", "thermostat/heater"])
        check(re.search(r'Z released +{"line": "heater", "seconds": 3}\n$', told), "by the command: %s", told)


def test_a_mistake_is_seen(programs, guests):
    """Somebody forgets the target: the flow says so."""
    del guests
    with example(programs, "thermostat") as app, app.site():
        del app.manifest["components"]["rule"]["config"]["target"]
        app.deploy()
        client = [programs["client"], "--orchestrator", app.held.state, "flow", "show", "thermostat/control"]
        until("the flow says what is wrong", lambda: re.search(
            r"last error step 1: error: \"configuration 'target' must be .*; it is missing\"", run(client)))


def test_thermostat_rule(programs, guests):
    """The rule alone, with times that the test makes up: hysteresis, minimum times, a clock that is set back."""
    del guests
    with example(programs, "thermostat") as app, app.site("den"):
        app.manifest = {"app": "thermostat", "components": {"rule": app.manifest["components"]["rule"]}}
        app.config("rule", target="20", hysteresis="2", minimum_on="300", minimum_off="60")
        app.deploy()
        start = 1800000000
        for seconds, celsius, wanted in ((0, 19.5, False), (1, 19, False), (2, 18.9, True),  # the first one at once
                                         (10, 25, True), (301, 25, True), (302, 25, False),  # 300 s on
                                         (303, 10, False), (361, 10, False), (362, 10, True),  # 60 s off
                                         (700, 20.9, True), (800, 21, True), (801, 21.1, False),
                                         (-500, 10, True)):
            reading = {"sensor": "s", "celsius": celsius, "time": str((start + seconds) * 10**9)}
            heats = app.value("rule", "decide", {"reading": reading})
            check(heats == wanted, "at %d s and %g °C it is %s", seconds, celsius, heats)
        for key, value in (("target", "21 degrees"), ("minimum-on", "-1"), ("hysteresis", "")):
            app.config("rule", **{key: value})
            app.deploy()
            answer = app.held.call("thermostat/rule", "get-state")
            check(answer.status == 422 and "'%s' must be a number" % key in answer.json()["error"], "%s: %s", key,
                  answer)
            app.config("rule", target="20", hysteresis="2", minimum_on="300")


# ---- sensors ----------------------------------------------------------------------------------

def picture(held, path):
    """What a display shows, as (width, height, bytes of red, green and blue)."""
    if shutil.which("ffmpeg") is None:
        raise Skip("ffmpeg is not installed, which decodes the picture")
    answer = until("%s shows something" % path, lambda: (lambda got: got if got.status != 404 else None)(
        held.request("GET", path + "/picture")))
    check(answer.status == 200, "%s", answer)
    check(answer.headers["Content-Type"] == "image/jpeg", "%s", answer)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24",
                          "-"], input=answer.body, capture_output=True, check=True).stdout
    kind, size, _, pixels = raw.split(b"\n", 3)
    check(kind == b"P6", "%r", raw[:20])
    return (*map(int, size.split()), pixels)


def near(image, x, y, colour, distance=40):
    width, _, pixels = image
    at = 3 * (y * width + x)
    return all(abs(a - b) <= distance for a, b in zip(pixels[at:at + 3], colour))


def test_sensors(programs, guests):
    """Three places; their mean; an alarm with its end; the picture; a device that is gone; the component that moves
    with what it knows."""
    del guests
    with example(programs, "sensors") as app, app.site():
        app.config("average", forget="60")  # nobody is forgotten, however long the processors are busy
        app.deploy()

        # 20, 21 and 25: no mean of one or two of them is 22, so each must have been measured.
        def mean_of(attic, kitchen, cellar, wanted):
            for name, value in (("attic", attic), ("kitchen", kitchen), ("cellar", cellar)):
                app.simulate(name, "air/temp=%g" % value)
            until("the mean is %g" % wanted, lambda: abs((app.value("average", "get-mean") or 0) - wanted) < 1e-6)

        mean_of(20, 21, 25, 22)
        places = [app.held.where("sensors", name) for name in ("attic", "kitchen", "cellar")]
        check(places == ["attic", "kitchen", "cellar"], "each measures in its room: %s", places)
        check(app.events("average", "alarm") == [], "no alarm yet")
        mean_of(46, 21, 25, 30 + 2 / 3)
        mean_of(36.5, 21, 25, 27.5)
        check(app.value("average", "get-chart")["alarm"], "below the limit, but not by the hysteresis")
        red = until("the picture says so", lambda: near(image := picture(app.held, "/displays/hall/wall"), 456, 15,
                                                        (200, 30, 45)) and image)
        check(red[:2] == (640, 360), "its size: %s", red[:2])
        mean_of(23, 21, 25, 23)
        alarms = app.events("average", "alarm")
        check([alarm["on"] for alarm in alarms] == [True, False], "%s", alarms)
        check(alarms[0]["limit"] == 28 and 28 < alarms[0]["mean"] < 30.7 and
              set(alarms[0]["places"]) == {"attic", "kitchen", "cellar"}, "%s", alarms)
        until("the picture is calm again", lambda: near(picture(app.held, "/displays/hall/wall"), 456, 15,
                                                        (252, 252, 251)))
        app.held.move("sensors", "average", "kitchen")
        chart = app.value("average", "get-chart")
        check(len(chart["lines"]) == 4 and max(point["value"] for point in chart["lines"][0]["points"]) > 28,
              "it has what it knew: %s", json.dumps(chart)[:500])
        app.config("average", forget="3")
        app.deploy()
        mean_of(20, 21, 25, 22)
        app.devices["attic"].kill()
        until("the others count", lambda: app.value("average", "get-mean") == 23)  # (21 + 25) / 2


def test_sensors_refusals(programs, guests):
    """What the components say to readings and charts that make no sense, and that they go on."""
    del guests
    with example(programs, "sensors") as app, app.site("hall"):
        parts = app.manifest["components"]
        app.manifest = {"app": "sensors", "components": {"average": parts["average"], "plot": parts["plot"]}}
        app.deploy()

        def add(place, celsius=20.0):
            return app.held.call("sensors/average", "add", {"place": place, "reading": {
                "sensor": "s", "celsius": celsius, "time": "1800000000000000000"}})
        for number in range(16):
            check(add("room %d" % number, 20.0 + number).json() == 20.0 + number / 2, "the mean of %d", number + 1)
        answer = add("one more")
        check(answer.status == 422 and "one place too many" in answer.json()["error"], "%s", answer)
        check(add("room 0", 36.0).json() == 28.5, "it goes on")
        for key, value in (("limit", "high"), ("forget", "0"), ("hysteresis", "-1")):
            app.manifest["components"]["average"]["config"] = {key: value}
            app.deploy()
            answer = add("room 0")
            check(answer.status == 422 and "'%s'" % key in answer.json()["error"], "%s: %s", key, answer)
        points = [{"time": str(time), "value": value}
                  for time, value in ((5, 1e300), (3, -1e300), (9, 0), (2**64 - 1, 1))]
        for lines in ([], [{"name": "", "points": []}], [{"name": "n\u00e4me" * 20, "points": points}] * 20):
            chart = {"title": "t" * 100, "unit": "u" * 100, "lines": lines, "limit": -1e307, "alarm": True}
            check(app.value("plot", "draw", {"chart": chart})["width"] == 640, "%s", lines)


# ---- digits -----------------------------------------------------------------------------------

SEED, PAPERS, RIGHT = 4711, 40, 0.95


def test_digits(programs, guests):
    """Papers that the network has not been taught with: how many of their digits arrive as events."""
    del guests
    with example(programs, "digits") as app, app.site():
        papers = os.path.join(app.folder, "papers")
        run([os.path.join(EXAMPLES, "digits", "prepare.sh"), str(SEED), str(PAPERS), papers])
        with open(os.path.join(papers, "papers.txt"), encoding="utf-8") as file:
            truth = file.read().split()
        for name in os.listdir(papers):
            if name.endswith(".jpg") and int(name[6:9]) >= PAPERS:  # of the example's own
                os.remove(os.path.join(papers, name))
        app.config("camera", rate="10")
        app.manifest["flows"]["read"]["on"]["every"] = "50ms"
        app.deploy()
        seen = {}

        def enough():
            for event in app.events("reader", "text"):
                seen[event["frame"] % PAPERS] = event["text"]
            return len(seen) >= PAPERS * 3 // 4
        until("most papers are read", enough)
        right = sum(a == b for at, text in seen.items() for a, b in zip(truth[at], text))
        total = sum(max(len(truth[at]), len(text)) for at, text in seen.items())
        whole = sum(truth[at] == text for at, text in seen.items())
        print("      digits: %d of %d right, %d of %d papers" % (right, total, whole, len(seen)))
        if right < RIGHT * total:
            raise Failure("too few: %s" % {truth[at]: text for at, text in seen.items() if truth[at] != text})
        frame = {"width": 2, "height": 1, "format": "gray8", "time": 0, "number": 0, "pixels": "AAA="}
        check(app.value("reader", "read", {"frame": frame})["text"] == "", "nothing but ground")
        for wrong in ({"height": 3}, {"width": 0}, {"format": "rgb8"}, {"width": 2**31, "height": 2**31}):
            answer = app.held.call("digits/reader", "read", {"frame": {**frame, **wrong}})
            check(answer.status == 422 and "gray8" in answer.json()["error"], "%s: %s", wrong, answer)
        width, height, _ = picture(app.held, "/displays/hall/wall")
        check((width, height) == (480, 172), "the picture: %d x %d", width, height)
