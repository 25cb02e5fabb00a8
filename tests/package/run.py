#!/usr/bin/env python3
"""Packages (package_tool) with Debian's docker-registry, skopeo, minisign and npm, all on loopback but for
one package from the registry that npm is configured for.

usage: run.py --tool PACKAGE_TOOL [--only TEXT]...

What a test lacks makes it skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import base64
import hashlib
import http.server
import json
import os
import ssl
import sys
import tempfile
import threading
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import suite  # noqa: E402  pylint: disable=wrong-import-position
from registry import Registry, skopeo, skopeo_copy  # noqa: E402  pylint: disable=wrong-import-position
from suite import Skip, check, need  # noqa: E402  pylint: disable=wrong-import-position

TOOL = []
WORK = ""

# (module (func (export "f")))
MODULE = bytes.fromhex("0061736d010000000104016000000302010007050101660000" "0a040102000b")
# user, "correct horse"
HTPASSWD = "user:$2b$04$AquPj0QHf6ILXHq9GzkCdOOx72TH6bJJo0jexfmBOR9EF5Ow1ntf2\n"
NPM_REFERENCE = "npm:@jsquash/resize@2.1.1/lib/resize/pkg/squoosh_resize_bg.wasm"
NPM_DIGEST = "sha256:5b1f702d502c4d0a70b99f78691bd554d566ba95859e4c57af5435955a1d74a5"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def execute(words, status=0, env=None, text=None, timeout=120):
    result = suite.execute(words, timeout, input=text, env={**os.environ, **(env or {})}, text=True, cwd=WORK)
    check(result.returncode == status, "%s ended with %d: %s%s", " ".join(words), result.returncode,
          result.stdout, result.stderr)
    return result


def tool(*words, **options):
    """What package_tool printed, as a dictionary."""
    result = execute([*TOOL, *words], **options)
    return dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)


def refused(text, *words, **options):
    result = execute([*TOOL, *words], status=1, **options)
    check(text in result.stderr, "'%s' is not in: %s", text, result.stderr)


def path(name):
    return os.path.join(WORK, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# ---- Servers ------------------------------------------------------------------------------------


class Files(http.server.BaseHTTPRequestHandler):
    """Answers with what stands in `answers`: path -> bytes or (status, fields, bytes)."""

    answers = {}

    def do_GET(self):  # pylint: disable=invalid-name
        answer = self.answers.get(self.path, (404, {}, b"no"))
        status, fields, data = answer if isinstance(answer, tuple) else (200, {}, answer)
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Server:
    def __init__(self, certificate=None):
        self.handler = type("Handler", (Files,), {"answers": {}})
        self.answers = self.handler.answers
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.port = self.server.server_address[1]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = "http%s://127.0.0.1:%d" % ("s" if certificate else "", self.port)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


# ---- npm ----------------------------------------------------------------------------------------


def test_npm_from_the_configured_registry():
    """A module that somebody publishes on npm, with its integrity checked."""
    def fetched(*words):
        result = suite.execute([*TOOL, "fetch", *words], text=True)
        if result.returncode != 0 and "ISO_E_IO" in result.stderr:
            raise Skip("the registry of npm cannot be reached: " + result.stderr.strip())
        check(result.returncode == 0, "%s", result.stderr)
        return result.stdout
    told = fetched(NPM_REFERENCE, "--out", path("squoosh.wasm"))
    check("digest: " + NPM_DIGEST in told, "another module: %s", told)
    check("licence: Apache-2.0" in told, "no licence: %s", told)
    check(digest(read("squoosh.wasm")) == NPM_DIGEST, "what was written is another module")
    ranged = fetched("npm:@jsquash/resize@~2.1.0/lib/resize/pkg/squoosh_resize_bg.wasm")
    check("reference: npm:@jsquash/resize@2.1." in ranged, "not resolved: %s", ranged)
    check("feature: sign-extension" in execute([*TOOL, "describe", path("squoosh.wasm")]).stdout,
          "its features are not known")


def npm_package(module):
    """A tarball as npm itself packs it, and its integrity."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.makedirs(os.path.join(folder, "lib"))
    for name, data in (("package.json", json.dumps({"name": "test-a", "version": "1.2.0", "license": "MIT",
                                                    "description": "for tests"}).encode()),
                       ("lib/a.wasm", module), ("lib/a.wit", b"package t:a; world a {}")):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    execute([need("npm"), "pack", "--offline", "--pack-destination", WORK, folder])
    tarball = read("test-a-1.2.0.tgz")
    return tarball, "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()


def test_npm_packs_and_a_local_registry():
    """What npm packed is fetched; tampered with it is not."""
    tarball, integrity = npm_package(MODULE)
    with Server() as server:
        document = {"dist-tags": {"latest": "1.2.0"}, "versions": {"1.2.0": {"dist": {
            "tarball": server.url + "/test-a/-/test-a-1.2.0.tgz",
            "integrity": integrity}}}}
        server.answers["/test-a"] = json.dumps(document).encode()
        server.answers["/test-a/-/test-a-1.2.0.tgz"] = tarball
        env = {"npm_config_registry": server.url}
        found = tool("fetch", "npm:test-a/lib/a.wasm", "--wit", path("a.wit"), env=env)
        check(found["reference"] == "npm:test-a@1.2.0/lib/a.wasm", "%s", found)
        check(found["licence"] == "MIT" and found["wit"] == "a.wit", "%s", found)
        check(read("a.wit") == b"package t:a; world a {}", "another WIT text")
        refused("is not in the package", "fetch", "npm:test-a/lib/b.wasm", env=env)
        refused("no version '^2'", "fetch", "npm:test-a@^2/lib/a.wasm", env=env)

        server.answers["/test-a/-/test-a-1.2.0.tgz"] = npm_package(MODULE + b"\0\1\0")[0]
        refused("its integrity is another one", "fetch", "npm:test-a/lib/a.wasm", env=env)
        server.answers["/test-a/-/test-a-1.2.0.tgz"] = tarball[:-9]
        refused("its integrity is another one", "fetch", "npm:test-a/lib/a.wasm", env=env)


# ---- OCI ----------------------------------------------------------------------------------------


def test_oci_push_skopeo_pull():
    """skopeo copies what we pushed, and we pull what it copied."""
    module = write("a.wasm", MODULE)
    need("skopeo")
    with Registry() as registry:
        lab = ["--registry", "lab=" + registry.url]
        pushed = tool("push", "oci:lab/team/a:1.0", module, *lab)["reference"]
        check(tool("push", "oci:lab/team/a:1.0", module, *lab)["reference"] == pushed,
              "pushing the same twice gives two manifests")
        check(tool("fetch", "oci:lab/team/a:1.0", *lab)["reference"] == pushed, "another manifest")
        check(tool("fetch", pushed, *lab)["digest"] == digest(MODULE), "another module")

        source = "docker://%s/team/a:1.0" % registry.host
        skopeo_copy(source, "docker://%s/other/b:2" % registry.host)
        found = tool("fetch", "oci:lab/other/b:2", *lab, "--out", path("b.wasm"))
        check(found["reference"].split("@")[1] == pushed.split("@")[1], "skopeo changed the manifest")
        check(found["description"] == "a test" and found["licence"] == "MIT", "no annotations: %s", found)
        check(read("b.wasm") == MODULE, "another module")

        folder = path("skopeo-dir")
        skopeo_copy(source, "dir:" + folder)
        with open(os.path.join(folder, digest(MODULE)[7:]), "rb") as file:
            check(file.read() == MODULE, "another layer in the folder")
        layout = path("skopeo-layout")
        skopeo_copy(source, "oci:%s:1.0" % layout)
        skopeo_copy("oci:%s:1.0" % layout, "docker://%s/c:3" % registry.host)
        check(tool("fetch", "oci:lab/c:3", *lab)["digest"] == digest(MODULE), "another module")
        manifest = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", source))
        check(manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json", "%s", manifest)
        check([layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"], "%s", manifest)

        refused("404", "fetch", "oci:lab/team/a:9", *lab)
        refused("no registry has the alias", "fetch", "oci:other/team/a:1.0", *lab)


def test_oci_index_with_one_manifest():
    """An index that has one manifest, as some tools push."""
    module = write("a.wasm", MODULE)
    with Registry() as registry:
        lab = ["--registry", "lab=" + registry.url]
        pushed = tool("push", "oci:lab/a:1", module, *lab)["reference"].split("@")[1]
        entry = {"mediaType": MANIFEST, "digest": pushed, "size": 1}
        with urllib.request.urlopen(urllib.request.Request(
                "%s/v2/a/manifests/1" % registry.url, headers={"Accept": MANIFEST}), timeout=30) as answer:
            entry["size"] = len(answer.read())
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        data = json.dumps(index).encode()
        registry.put_manifest("a", "index", INDEX, data)
        found = tool("fetch", "oci:lab/a:index", *lab)
        check(found["digest"] == digest(MODULE), "another module")
        check(found["reference"] == "oci:lab/a@" + digest(data), "not the index: %s", found)
        tool("fetch", found["reference"], *lab)
        index["manifests"] = [entry, entry]
        registry.put_manifest("a", "two", INDEX, json.dumps(index).encode())
        refused("an index of 2 manifests", "fetch", "oci:lab/a:two", *lab)


def test_oci_with_a_password():
    """A registry with htpasswd: with the password, without, with another one."""
    module = write("a.wasm", MODULE)
    with Registry(HTPASSWD) as registry:
        lab = ["--registry", "lab=" + registry.url]
        known = lab + ["--user", "lab=user:correct horse"]
        wrong = lab + ["--user", "lab=user:wrong"]
        pushed = tool("push", "oci:lab/a:1", module, *known)["reference"]
        check(tool("fetch", "oci:lab/a:1", *known)["reference"] == pushed, "another manifest")
        refused("there are none for it", "fetch", "oci:lab/a:1", *lab)
        refused("there are none for it", "push", "oci:lab/a:2", module, *lab)
        refused("refuses the credentials", "fetch", "oci:lab/a:1", *wrong)
        skopeo_copy("docker://%s/a:1" % registry.host, "docker://%s/b:1" % registry.host,
                    "--src-creds", "user:correct horse", "--dest-creds", "user:correct horse")
        check(tool("fetch", "oci:lab/b:1", *known)["digest"] == digest(MODULE), "another module")


def test_oci_carries_signatures():
    """A signature of minisign goes with the module to the registry and back."""
    need("minisign")
    module = write("s.wasm", MODULE)
    execute(["minisign", "-G", "-W", "-p", "oci.pub", "-s", "oci.sec"])
    execute(["minisign", "-S", "-W", "-s", "oci.sec", "-m", module])
    with Registry() as registry:
        lab = ["--registry", "lab=" + registry.url]
        tool("push", "oci:lab/a:1", module, *lab, "--signature", module + ".minisig")
        tool("fetch", "oci:lab/a:1", *lab, "--out", path("back.wasm"), "--signature",
             path("back.wasm.minisig"))
    execute(["minisign", "-V", "-p", "oci.pub", "-m", "back.wasm"])


# ---- https --------------------------------------------------------------------------------------


def certificate():
    execute([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", "tls.key", "-out", "tls.crt", "-days", "2", "-subj", "/CN=files.test",
             "-addext", "subjectAltName=DNS:files.test"])
    return path("tls.crt"), path("tls.key")


def test_https_with_a_digest():
    """Fetched over https from an address that counts as public: digests, redirects, names."""
    pair = certificate()
    with Server(pair) as server, Server() as plain:
        server.answers.update({
            "/a.wasm": MODULE, "/a.wasm.minisig": b"a signature", "/b.wasm": MODULE + b"\0\1\0",
            "/moved.wasm": (302, {"Location": "/a.wasm"}, b""),
            "/loop.wasm": (302, {"Location": "/loop.wasm"}, b""),
            "/plain.wasm": (302, {"Location": plain.url + "/a.wasm"}, b""),
            "/private.wasm": (302, {"Location": "https://127.0.0.2:%d/a.wasm" % server.port}, b""),
            "/text.wasm": b"text"})
        plain.answers["/a.wasm"] = MODULE
        base = "https://files.test:%d" % server.port
        where = ["--ca", pair[0], "--resolve", "files.test:%d:127.0.0.1" % server.port]
        also = where + ["--public", "127.0.0.1"]
        at = "#" + digest(MODULE)
        found = tool("fetch", base + "/a.wasm" + at, *also)
        check(found["reference"] == base + "/a.wasm" + at and found["signature"] == "11", "%s", found)
        tool("fetch", base + "/moved.wasm" + at, *also)
        refused("the bytes have another digest", "fetch", base + "/b.wasm" + at, *also)
        refused("redirects too often", "fetch", base + "/loop.wasm" + at, *also)
        refused("from https to http", "fetch", base + "/plain.wasm" + at, *also)
        refused("not of the public Internet", "fetch", base + "/private.wasm" + at, *also)
        refused("not of the public Internet", "fetch", base + "/a.wasm" + at, *where)
        refused("404", "fetch", base + "/none.wasm" + at, *also)
        refused("not a WebAssembly module", "fetch", base + "/text.wasm#" + digest(b"text"), *also)
        refused("certificate", "fetch", "https://127.0.0.1:%d/a.wasm%s" % (server.port, at), "--ca", pair[0],
                "--public", "127.0.0.1")  # it is another name's
        refused("certificate", "fetch", base + "/a.wasm" + at, *also[2:])  # nobody vouches for it


# ---- Signatures ---------------------------------------------------------------------------------


def test_minisign_signs_and_we_verify():
    """Keys and signatures of minisign, hashed and not."""
    need("minisign")
    module = write("m.wasm", MODULE)
    execute(["minisign", "-G", "-W", "-p", "theirs.pub", "-s", "theirs.sec"])
    execute(["minisign", "-G", "-W", "-p", "other.pub", "-s", "other.sec"])
    for words in ([], ["-l"], ["-t", "a comment with ümlauts"]):
        execute(["minisign", "-S", "-W", *words, "-s", "theirs.sec", "-m", module])
        found = tool("verify", module, path("other.pub"), path("theirs.pub"))
        check(found["key"] == "1", "verified with another key")
        if "-t" in words:
            check(found["comment"] == words[1], "another comment: %s", found)
    refused("which is not among", "verify", module, path("other.pub"))
    write("m.wasm", MODULE + b"\0")
    refused("not the bytes", "verify", module, path("theirs.pub"))


def test_we_sign_and_minisign_verifies():
    """Our keys and signatures, and minisign's secret key in our hands."""
    need("minisign")
    module = write("w.wasm", MODULE)
    tool("generate", path("ours.pub"), path("ours.sec"))
    tool("sign", module, path("ours.sec"))
    result = execute(["minisign", "-V", "-p", "ours.pub", "-m", module])
    check("file:w.wasm" in result.stdout, "another comment: %s", result.stdout)
    execute(["minisign", "-S", "-W", "-s", "ours.sec", "-m", module])
    tool("verify", module, path("ours.pub"))
    execute(["minisign", "-G", "-W", "-p", "used.pub", "-s", "used.sec"])
    tool("sign", module, path("used.sec"))
    execute(["minisign", "-V", "-p", "used.pub", "-m", module])
    write("w.wasm", MODULE + b"\0")
    execute(["minisign", "-V", "-p", "used.pub", "-m", module], status=1)


def test_locked_keys():
    """Secret keys with a password, made by either, opened by the other."""
    need("minisign")
    module = write("l.wasm", MODULE)
    execute(["minisign", "-G", "-p", "locked.pub", "-s", "locked.sec"], text="pass\npass\n")
    tool("sign", module, path("locked.sec"), "pass")
    execute(["minisign", "-V", "-p", "locked.pub", "-m", module])
    refused("wrong password", "sign", module, path("locked.sec"), "other")
    tool("generate", path("mine.pub"), path("mine.sec"), "word")
    execute(["minisign", "-S", "-s", "mine.sec", "-m", module], text="word\n")
    tool("verify", module, path("mine.pub"))


def main():
    global TOOL, WORK  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    TOOL = [os.path.abspath(options.tool)]
    tally = suite.Tally()
    with tempfile.TemporaryDirectory() as WORK:
        for name, test in suite.tests_of(globals(), options.only):
            tally.run(name[5:], test)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
