"""A supervisor of its own for each test: state in a temporary folder, ports that the system chooses."""

import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import wit  # noqa: E402  pylint: disable=wrong-import-position


class Skip(Exception):
    """Something that a test needs is not there."""


class Failure(Exception):
    """The test failed; the text says why."""


def check(condition, message, *arguments):
    if not condition:
        raise Failure(message % arguments if arguments else message)


def until(what, condition, seconds=20.0):
    """Waits until the condition holds; fails with `what` when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure("in %g s it did not come to this: %s" % (seconds, what))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %r" % (self.status, self.body[:300])


class Guests:
    """Builds the guests once: modules with their interfaces inside."""

    def __init__(self, isomer, folder):
        self.isomer, self.folder = isomer, folder
        self.made = {}
        os.makedirs(folder, exist_ok=True)

    def run(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        check(result.returncode == 0, "%s: %s", " ".join(command), result.stderr)

    def wit(self, name):
        guests = os.path.join(HERE, "guests")
        text = wit.with_devices(wit.read(os.path.join(guests, name + ".wit")))
        if "import test:probe/" in text: # its interface, without its world
            probe = wit.read(os.path.join(guests, "probe.wit"))
            text += "\n" + wit.nested(probe[:probe.index("world probe")])
        return text

    def build(self, name):
        """Path of the packed module of guests/NAME.c and guests/NAME.wit."""
        if name in self.made:
            return self.made[name]
        if shutil.which("clang") is None or shutil.which("wasm-ld") is None:
            raise Skip("clang and lld are not installed")
        out = os.path.join(self.folder, name)
        source = os.path.join(HERE, "guests", name + ".c")
        if os.path.exists(os.path.join(HERE, "guests", name + ".wit")):
            os.makedirs(out, exist_ok=True)
            path = os.path.join(out, name + ".wit")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(self.wit(name))
            self.run(self.isomer, "bindgen", "c", path, "-o", out)
            self.run(os.path.join(ROOT, "sdk", "c", "isomer-cc"), "-o", out + "-bare.wasm", source,
                     os.path.join(out, name + ".c"), "-I" + out, "-Werror")
            self.run(self.isomer, "pack", out + "-bare.wasm", "--wit", path, "-o", out + ".wasm")
        else:
            self.run("clang", "--target=wasm32-wasi", "-O2", "-o", out + ".wasm", source)
        self.made[name] = out + ".wasm"
        return self.made[name]

    def bytes(self, name):
        with open(self.build(name), "rb") as stream:
            return stream.read()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Device:
    """A running supervisor."""

    def __init__(self, programs, name="device", state=None, options=(), wrap=(), env=None):
        self.programs, self.name, self.options, self.wrap = programs, name, list(options), list(wrap)
        self.own_state = state is None
        self.state = state or tempfile.mkdtemp(prefix="isomer-supervisor-")
        self.env = env
        self.process = None
        self.log_path = os.path.join(self.state, "log.txt")
        self.ports = {}
        self.token = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exception):
        self.stop()
        if self.own_state:
            shutil.rmtree(self.state, ignore_errors=True)

    # ---- The process ----

    def start(self, wait=True):
        command = [*self.wrap, self.programs["supervisor"], "--state", self.state, "--name", self.name]
        given = " ".join(self.options)
        for option, address in (("--https", "127.0.0.1:0"), ("--http", "127.0.0.1:0"),
                                ("--coaps", "127.0.0.1:0"), ("--coap", "127.0.0.1:0")):
            if option + " " not in given + " ":
                command += [option, address]
        if "--mdns" in self.options:
            self.options.remove("--mdns")
        elif "--interface" not in given:
            command.append("--no-mdns")
        with open(self.log_path, "ab") as log:
            start = log.tell()
            self.process = subprocess.Popen(command + self.options, stderr=log, stdout=log, env=self.env)
        if wait:
            self.await_start(start)

    def await_start(self, start=0):
        def started():
            check(self.process.poll() is None, "the supervisor ended with %s: %s", self.process.returncode,
                  self.log()[start:])
            return re.search(r"https=(\d+) http=(\d+) coaps=(\d+) coap=(\d+)", self.log()[start:])
        found = until("the supervisor serves", started, 30)
        self.ports = dict(zip(("https", "http", "coaps", "coap"), map(int, found.groups())))
        with open(os.path.join(self.state, "token"), encoding="utf-8") as stream:
            self.token = stream.read().strip()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("the supervisor does not stop: " + self.log()[-2000:]) from None
        self.process = None
        return status

    # ---- HTTP ----

    def request(self, method, path, body=None, token=True, headers=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=timeout)
        fields = {"Authorization": "Bearer " + self.token} if token is True else {}
        if isinstance(token, str):
            fields["Authorization"] = "Bearer " + token
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def good(self, method, path, body=None, **options):
        answer = self.request(method, path, body, **options)
        check(200 <= answer.status < 300, "%s %s: %s", method, path, answer)
        return answer

    def get(self, path):
        return self.good("GET", path).json()

    def put_module(self, data):
        name = digest(data)
        self.good("PUT", "/v1/modules/" + name, data, headers={"Content-Type": "application/wasm"})
        return name

    def deploy(self, document):
        return self.good("PUT", "/v1/deployments/" + document["app"], document)

    def call(self, component, function, arguments=None, **options):
        return self.request("POST", "/v1/components/%s/%s" % (component, function),
                            arguments if arguments is not None else {}, **options)

    def value(self, component, function, arguments=None):
        answer = self.call(component, function, arguments)
        check(answer.status in (200, 204), "%s %s: %s", component, function, answer)
        return answer.json() if answer.status == 200 else None

    def status(self, component):
        return self.get("/v1/components/" + component)


GRANTS = {"devices": {name: True for name in ("log", "events", "clock", "config", "storage")}}


def document(app, components, generation=1, **more):
    """A deployment document; components: name -> (digest, further members)."""
    return {"isomer": 1, "app": app, "generation": generation, **more,
            "components": {name: {"module": module, "mode": "function", "epoch": 1, **members}
                           for name, (module, members) in components.items()}}


def to_base64(data):
    return base64.b64encode(data).decode()
