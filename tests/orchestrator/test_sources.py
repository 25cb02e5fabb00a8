"""Packages from several repositories in one application; signatures."""

import base64
import os
import subprocess
import tempfile

from fleet import ROOT, Skip, check, site
from registry import Registry, skopeo_copy
from suite import need

RESIZE = "npm:@jsquash/resize@2.1.1/lib/resize/pkg/squoosh_resize_bg.wasm"


def test_three_repositories(programs, guests):
    """One application whose modules are a local file, a package of npm, and an image of an OCI registry that skopeo
    copied from where we pushed it. Digests are recorded."""
    with Registry() as registry, site(programs, "hall") as (held, _):
        held.good("PUT", "/v1/registries/lab", {"url": registry.url})
        held.push(guests.bytes("probe"), "probe", "1.0.0")
        pushed = held.good("POST", "/v1/packages/push", {"package": "probe@1.0.0", "to": "oci:lab/probe:1.0"})
        check(pushed.json()["reference"].startswith("oci:lab/probe@sha256:"), "pushed: %s", pushed)
        skopeo_copy("docker://%s/probe:1.0" % registry.host, "docker://%s/copied/probe:2.0" % registry.host)
        fetched = held.request("POST", "/v1/packages/fetch", {"reference": RESIZE})
        if fetched.status == 502:
            raise Skip("npm's registry: " + fetched.json()["detail"])
        with open(os.path.join(ROOT, "modules", "scaler", "scaler.wit"), encoding="utf-8") as stream:
            wit = stream.read()
        manifest = {"app": "mixed", "components": {
            "near": {"package": "file:caller"},
            "scaler": {"package": RESIZE, "interface": "scaler.wit", "abi": "wasm-bindgen"},
            "far": {"package": "oci:lab/copied/probe:2.0", "mode": "service"}}}
        body = held.body(manifest, {"caller": guests.bytes("caller")})
        body["files"]["scaler.wit"] = {"text": wit}
        number = held.good("PUT", "/v1/apps/mixed", body).json()["generation"]
        ended = held.await_end("mixed", number)
        check(ended["state"] == "committed", "deployed: %s", ended)
        for name, kind in (("near", "file:"), ("scaler", "npm:"), ("far", "oci:")):
            component = ended["components"][name]
            check(component["exact"].startswith(kind) and component["digest"].startswith("sha256:"), "%s: %s", name,
                  component)
        check("@sha256:" in ended["components"]["far"]["exact"], "a tag is resolved: %s", ended["components"]["far"])
        check(held.value("mixed/near", "twice", {"value": 4}) == 8, "components of two repositories call each other")
        pixels = base64.b64encode(bytes(range(4)) * 16).decode()
        scaled = held.value("mixed/scaler", "resize", {
            "input-image": pixels, "input-width": 4, "input-height": 4, "output-width": 8, "output-height": 8,
            "typ-idx": 3, "premultiply": False, "color-space-conversion": False})
        check(len(base64.b64decode(scaled)) == 8 * 8 * 4, "npm's module scales")


def test_signatures(programs, guests):
    """With a trusted key, only what it has signed is taken; minisign makes the key and the signature."""
    need("minisign")
    with site(programs, "hall") as (held, _), tempfile.TemporaryDirectory() as folder:
        def minisign(*words):
            subprocess.run(["minisign", *words], check=True, capture_output=True, cwd=folder, input=b"")
        module = os.path.join(folder, "probe.wasm")
        with open(module, "wb") as stream:
            stream.write(guests.bytes("probe"))
        minisign("-G", "-W", "-p", "key.pub", "-s", "key.sec")
        minisign("-S", "-s", "key.sec", "-m", "probe.wasm")
        with open(os.path.join(folder, "key.pub"), encoding="ascii") as stream:
            comment, key = stream.read().splitlines()[:2]
        name = comment.split()[-1].zfill(16) # minisign leaves zeros out
        held.good("PUT", "/v1/trust/" + name, {"key": key, "comment": "the lab's"})
        wasm = {"Content-Type": "application/wasm"}
        refused = held.request("POST", "/v1/packages?name=probe&version=1.0.0", guests.bytes("probe"), headers=wasm)
        check(refused.status == 403 and b"signed" in refused.body, "unsigned: %s", refused)
        with open(module + ".minisig", "rb") as stream:
            signature = base64.b64encode(stream.read()).decode().replace("+", "%2B").replace("/", "%2F")
        path = "/v1/packages?name=probe&version=1.0.0&signature=" + signature
        wrong = held.request("POST", path, guests.bytes("caller"), headers=wasm)
        check(wrong.status in (400, 403), "a signature of something else: %s", wrong)
        kept = held.good("POST", path, guests.bytes("probe"), headers=wasm).json()
        check(kept["signer"] == name, "signed: %s", kept)
        held.deploy({"app": "lab", "components": {"probe": {"package": "probe@1.0.0", "mode": "service"}}})
        number = held.good("PUT", "/v1/apps/other", {"manifest": '{"app": "other", "components": {"p": {"package": '
                                                     '"%s"}}}' % RESIZE}).json()["generation"]
        ended = held.await_end("other", number)
        fetched = held.request("POST", "/v1/packages/fetch", {"reference": RESIZE})
        if fetched.status == 502:
            raise Skip("npm's registry: " + fetched.json()["detail"])
        check(ended["state"] == "failed" and "sign" in ended["error"], "unsigned from elsewhere: %s", ended["error"])
