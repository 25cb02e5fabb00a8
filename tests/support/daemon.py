"""A daemon of its own for a test: state in a temporary folder, ports that the system chooses."""

import atexit
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from suite import Failure, check, until

# Notes by which commands find daemons go where only this test run looks.
if "ISOMER_RUNTIME_DIR" not in os.environ:
    os.environ["ISOMER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="isomer-notes-")
    atexit.register(shutil.rmtree, os.environ["ISOMER_RUNTIME_DIR"], True)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %r" % (self.status, self.body[:300])


class Daemon:
    """A running daemon. A subclass says its program, its options, and how its log tells the ports."""

    program = None  # key of programs
    serving = None  # pattern with a group per port of port_names
    port_names = ()

    def __init__(self, programs, name, state=None, options=(), wrap=(), env=None):
        self.programs, self.name, self.options, self.wrap = programs, name, list(options), list(wrap)
        self.own_state = state is None
        self.state = state or tempfile.mkdtemp(prefix="isomer-%s-" % self.program)
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

    def own_options(self):
        """Options besides --state, --name and those that were given."""
        raise NotImplementedError

    def start(self, wait=True):
        command = [*self.wrap, self.programs[self.program], "--state", self.state, "--name", self.name,
                   *self.own_options()]
        with open(self.log_path, "ab") as log:
            start = log.tell()
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=self.env)
        if wait:
            self.await_start(start)

    def await_start(self, start=0):
        def started():
            check(self.process.poll() is None, "the %s ended with %s: %s", self.program, self.process.returncode,
                  self.log()[start:])
            return re.search(self.serving, self.log()[start:])
        found = until("the %s serves" % self.program, started)
        self.ports = dict(zip(self.port_names, map(int, found.groups())))
        with open(os.path.join(self.state, "token"), encoding="utf-8") as stream:
            self.token = stream.read().strip()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def resident(self):
        """Bytes of memory that it has for itself."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as stream:
            return int(re.search(r"^RssAnon:\s+(\d+) kB", stream.read(), re.M).group(1)) << 10

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        # A test may have failed while it was stopped by SIGSTOP: that failure is to be told, not this.
        self.process.send_signal(signal.SIGCONT)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("the %s does not stop: %s" % (self.program, self.log()[-2000:])) from None
        self.process = None
        return status

    # ---- HTTP ----

    def request(self, method, path, body=None, token=True, headers=None, timeout=60):
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

    def call(self, component, function, arguments=None, **options):
        return self.request("POST", "/v1/components/%s/%s" % (component, function),
                            arguments if arguments is not None else {}, **options)

    def value(self, component, function, arguments=None):
        answer = self.call(component, function, arguments)
        check(answer.status in (200, 204), "%s %s: %s", component, function, answer)
        return answer.json() if answer.status == 200 else None

    def status(self, component):
        return self.get("/v1/components/" + component)
