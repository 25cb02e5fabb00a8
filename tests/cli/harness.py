"""What the black-box tests of the program `isomer` share: guests, running it, and the tally."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from suite import Failure, Skip, Tally, check  # noqa: F401  (check is for the tests)

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = []


def test(function):
    """Registers a test; its docstring says in a sentence what it shows."""
    TESTS.append(function)
    return function


class Result:
    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    def __str__(self):
        return (f"{' '.join(self.command[1:])}\n    status {self.status}\n"
                f"    stdout {self.out!r}\n    stderr {self.err!r}")


class Context:
    """One test's folder, and the ways to run the program."""

    def __init__(self, isomer, emulator):
        self.isomer, self.emulator = isomer, emulator
        self.dir = None
        self.guest_cache = tempfile.mkdtemp(prefix="isomer-cli-guests-")

    def enter(self):
        self.dir = tempfile.mkdtemp(prefix="isomer-cli-")

    def leave(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def close(self):
        shutil.rmtree(self.guest_cache, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, contents):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def guest(self, name, **replacements):
        """The path of guests/NAME.wat as a module; @KEY@ in it is replaced."""
        label = name + "".join(f"-{key}-{value}" for key, value in sorted(replacements.items()))
        path = os.path.join(self.guest_cache, label + ".wasm")
        if not os.path.exists(path):
            with open(os.path.join(HERE, "guests", name + ".wat"), encoding="utf-8") as file:
                text = file.read()
            for key, value in replacements.items():
                text = text.replace(f"@{key}@", str(value))
            source = os.path.join(self.guest_cache, label + ".wat")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            subprocess.run(["wat2wasm", "--no-check", "--debug-names", source, "-o", path],
                           check=True)
        return path

    def command(self, args):
        return [*self.emulator, self.isomer, *args]

    def environment(self, changes):
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        environment["TERM"] = "xterm"
        environment.update(changes or {})
        return environment

    def unprivileged(self):
        """Options for run() under which permissions count, also when root runs the tests."""
        if os.geteuid() != 0:
            return {}
        os.chmod(self.dir, 0o755)
        os.chmod(self.guest_cache, 0o755)
        try:
            self.run("version", user="nobody")
        except PermissionError as reason:
            raise Skip("the superuser reads everything, and nobody else may run this isomer") \
                from reason
        return {"user": "nobody"}

    def run(self, *args, stdin=b"", env=None, timeout=120, cwd=None, stdout=subprocess.PIPE,
            user=None):
        done = subprocess.run(self.command(args), input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, env=self.environment(env), timeout=timeout,
                              cwd=cwd or self.dir, check=False, user=user)
        out = done.stdout.decode("utf-8", "backslashreplace") if done.stdout is not None else ""
        return Result(self.command(args), done.returncode, out,
                      done.stderr.decode("utf-8", "backslashreplace"))

    def start(self, *args, **options):
        """A process that runs beside the test; see stop_with."""
        return subprocess.Popen(self.command(args), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=self.dir,
                                env=self.environment(None), **options)

    def expect(self, result, status, err=None, out=None):
        """Fails unless the status is right and all texts of err and out appear."""
        if result.status != status:
            raise Failure(f"status {status} expected: {result}")
        for text in [err] if isinstance(err, str) else err or []:
            if text not in result.err:
                raise Failure(f"stderr should have {text!r}: {result}")
        if out is not None and result.out != out:
            raise Failure(f"stdout {out!r} expected: {result}")
        return result

    def fails(self, args, status, *err, **options):
        """Runs, expects a failure with a message, and that nothing else than a message came."""
        result = self.expect(self.run(*args, **options), status, list(err))
        if not result.err.startswith("isomer: "):
            raise Failure(f"stderr should begin with 'isomer: ': {result}")
        if result.out:
            raise Failure(f"stdout should be empty: {result}")
        return result


def finish(process, first=b"", timeout=120):
    out, err = process.communicate(timeout=timeout)
    return Result(["", "(started)"], process.returncode, (first + out).decode(),
                  err.decode("utf-8", "backslashreplace"))


def stop_with(process, number, ready=b"ready\n"):
    """Waits until the program has printed a line, sends a signal, and waits for the end."""
    first = process.stdout.readline()
    if first != ready:
        process.kill()
        raise Failure(f"the program did not begin: {finish(process, first)}")
    process.send_signal(number)
    return finish(process, first)


def match(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise Failure(f"no {pattern!r} in {text!r}")
    return found


def in_a_folder(context, function):
    context.enter()
    try:
        function(context)
    finally:
        context.leave()


def main(argv):
    if len(argv) < 2:
        print("usage: run.py ISOMER [--emulator COMMAND] [PART_OF_A_NAME...]", file=sys.stderr)
        return 2
    emulator, names = [], []
    rest = argv[2:]
    while rest:
        word = rest.pop(0)
        if word == "--emulator" and rest:
            emulator = shlex.split(rest.pop(0))
        else:
            names.append(word)
    if shutil.which("wat2wasm") is None:
        print("skip  all: wat2wasm (Debian package wabt) is not installed")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    context = Context(os.path.abspath(argv[1]), emulator)
    tally = Tally()
    for function in TESTS:
        if not names or any(name in function.__name__ for name in names):
            tally.run(function.__name__, in_a_folder, context, function)
    context.close()
    return tally.end() or not any(tally.counts.values())
