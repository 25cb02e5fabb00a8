"""Several daemons on one machine, found by their names."""

import contextlib
import json
import os
import signal
import subprocess
import time

from harness import Failure, check, match, test
from test_cli import environment, run


@contextlib.contextmanager
def daemon(t, *words):
    """A daemon of this machine while it is used as a context; what it says, to `lines` when it is ready."""
    with subprocess.Popen([t.isomer, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=t.dir,
                          env=t.environment(environment(t)), text=True) as process:
        try:
            process.lines = ""
            for line in process.stderr:
                process.lines += line
                if f"{words[0]}: device=" in line or f"{words[0]}: id=" in line:
                    break
            else:
                raise Failure(f"{' '.join(words)}: {process.lines}")
            until(lambda: notes(t, process.pid) or process.poll() is not None)
            yield process
        finally:
            process.terminate()
            process.stderr.read()
            process.wait(timeout=60)


def until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise Failure("it did not become so within 30 seconds")


def notes(t, pid=None):
    """The notes that lie there; of one process."""
    with contextlib.suppress(FileNotFoundError):
        return [name for name in os.listdir(t.path("run")) if name.endswith(".json") and
                (pid is None or f"-{pid}." in name)]
    return []


@test
def devices_of_this_machine(t):
    """Each takes ports that are free and is found by its name, with its token; the note goes with the process."""
    with daemon(t, "supervisor", "--state", "k", "--name", "kitchen", "--no-mdns"):
        t.expect(run(t, "put", "missing.wasm"), 66)  # the only one is meant
        with daemon(t, "supervisor", "--state", "d", "--name", "den", "--no-mdns") as den:
            match(r"^isomer: HTTPS on port \d+ instead of 8443$", den.lines)
            for name in ("kitchen", "den"):
                match(rf"^name +{name}$", t.expect(run(t, "--device", name, "device"), 0).out)
            check(len(notes(t)) == 2, str(notes(t)))
            with open(t.path("run/" + notes(t, den.pid)[0]), encoding="utf-8") as file:
                note = json.load(file)
            check(note["state"] == os.path.realpath(t.path("d")), str(note))
            check(os.stat(t.path("run/" + notes(t, den.pid)[0])).st_mode & 0o777 == 0o600, "its owner's only")
            t.expect(run(t, "--device", note["url"], "ps"), 0)  # by the address, with the same token
            t.expect(run(t, "put", "missing.wasm"), 64, ["several devices run on this machine: den, kitchen",
                                                         "--device NAME"])
            t.expect(run(t, "supervisor", "--state", "d", "--no-mdns"), 71, ["in use by another supervisor", "--state"])
            with daemon(t, "supervisor", "--state", "d2", "--name", "den", "--no-mdns"):
                t.expect(run(t, "--device", "den", "ps"), 64, ["2 of this machine are called den", note["url"]])
                t.expect(run(t, "--device", note["url"], "ps"), 0)
            den.send_signal(signal.SIGKILL)
            den.wait()
            check(len(notes(t)) == 2, "killed, it has left its note")
            t.expect(run(t, "put", "missing.wasm"), 66)  # which is not believed
            check(len(notes(t)) == 1, "and taken away")
    check(not notes(t), str(notes(t)))


@test
def a_given_port_is_taken_as_it_is(t):
    """Only defaults are replaced: an address that was asked for and is in use is an error."""
    with daemon(t, "supervisor", "--state", "k", "--no-mdns", "--http", "127.0.0.1:0") as first:
        port = match(r" http=(\d+) ", first.lines).group(1)
        t.expect(run(t, "supervisor", "--state", "d", "--no-mdns", "--http", "127.0.0.1:" + port), 71, port)
