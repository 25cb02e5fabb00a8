"""Debian's docker-registry on loopback, with or without a password, for one test."""

import contextlib
import http.client
import os
import shutil
import subprocess
import tempfile

from daemon import Failure, Skip, free_port, until


def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def registry(password_file=None):
    """The port of a registry with an empty store; password_file: in htpasswd's format (bcrypt)."""
    program = shutil.which("docker-registry")
    if program is None:
        raise Skip("docker-registry is not installed")
    folder = tempfile.mkdtemp(prefix="isomer-registry-")
    port = free_port()
    config = os.path.join(folder, "config.yml")
    auth = "auth:\n  htpasswd:\n    realm: test\n    path: %s\n" % password_file if password_file else ""
    with open(config, "w", encoding="utf-8") as stream:
        stream.write("version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\n"
                     "  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:%d\n%s"
                     % (os.path.join(folder, "data"), port, auth))
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    try:
        until("the registry answers", lambda: answers(port), 20)
        yield port
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def skopeo(*words):
    """Runs skopeo, which copies images between registries and folders."""
    if shutil.which("skopeo") is None:
        raise Skip("skopeo is not installed")
    result = subprocess.run(["skopeo", "--insecure-policy", *words], capture_output=True, text=True, check=False,
                            timeout=60)
    if result.returncode != 0:
        raise Failure("skopeo %s: %s" % (" ".join(words), result.stderr))
    return result.stdout
