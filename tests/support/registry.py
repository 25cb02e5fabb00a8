"""Debian's docker-registry on loopback, with or without a password, for one test."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from suite import check, execute, free_port, need, until


class Registry:
    """A registry with an empty store. htpasswd: the users, as text in htpasswd's format (bcrypt)."""

    def __init__(self, htpasswd=None):
        self.program = need("docker-registry")
        self.htpasswd = htpasswd
        self.port = free_port()
        self.host = "127.0.0.1:%d" % self.port
        self.url = "http://" + self.host
        self.folder = self.process = None

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def answers(self):
        check(self.process.poll() is None, "docker-registry ended with %s", self.process.returncode)
        try:
            with urllib.request.urlopen(self.url + "/v2/", timeout=20):
                return True
        except urllib.error.HTTPError as answer:
            return answer.code == 401
        except OSError:
            return False

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="isomer-registry-")
        config = {"version": "0.1", "log": {"level": "error", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": os.path.join(self.folder, "data")}},
                  "http": {"addr": self.host, "secret": "of the tests"}}
        if self.htpasswd:
            config["auth"] = {"htpasswd": {"realm": "tests", "path": self.write("htpasswd", self.htpasswd)}}
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen([self.program, "serve", self.write("config.yml", json.dumps(config))],
                                            stdout=log, stderr=log)
        try:
            until("docker-registry answers", self.answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def put_manifest(self, name, tag, media_type, data):
        request = urllib.request.Request("%s/v2/%s/manifests/%s" % (self.url, name, tag), data=data, method="PUT",
                                         headers={"Content-Type": media_type})
        with urllib.request.urlopen(request, timeout=60) as answer:
            check(answer.status == 201, "the manifest is not taken: %d", answer.status)


def skopeo(*words):
    """Runs skopeo, which copies images between registries and folders; what it prints."""
    result = execute([need("skopeo"), "--insecure-policy", *words], timeout=60, text=True)
    check(result.returncode == 0, "skopeo %s: %s", " ".join(words), result.stderr)
    return result.stdout


def skopeo_copy(source, target, *options):
    """Between registries that have no TLS, or folders."""
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", *options, source, target)
