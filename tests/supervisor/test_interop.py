"""Programs of others: curl, coap-client, node-wot."""

import json
import os
import re
import subprocess
import threading
import time

from device import GRANTS, Device, check, document, until

import npm
from suite import need

HERE = os.path.dirname(os.path.abspath(__file__))


def deploy(device, guests):
    module = device.put_module(guests.bytes("probe"))
    device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}))


def psk(programs, device):
    """Identity and key of the device's token."""
    text = subprocess.run([programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
                           "@" + os.path.join(device.state, "token"), "token", "psk"],
                          capture_output=True, text=True, check=True).stdout
    return re.search(r"identity (\S+)", text).group(1), re.search(r"key +(\S+)", text).group(1)


def test_curl(programs, guests):
    """curl over HTTPS with the pinned key: description, call, event stream; another pin is refused."""
    need("curl")
    with Device(programs) as device:
        deploy(device, guests)
        text = subprocess.run([programs["isomer"], "--device", "https://127.0.0.1:%d" % device.ports["https"],
                               "--pin", "sha256:" + "0" * 64, "--token", device.token, "device"],
                              capture_output=True, text=True, check=False)
        check("another key" in text.stderr, "another pin: %s", text.stderr)
        base = "https://127.0.0.1:%d" % device.ports["https"]

        def curl(*words):
            result = subprocess.run(["curl", "-sk", "-m", "60", "-H", "Authorization: Bearer " + device.token, *words],
                                    capture_output=True, check=False)
            check(result.returncode == 0, "curl %s: %d", words, result.returncode)
            return result.stdout
        check(json.loads(curl(base + "/v1/device"))["name"] == "device", "device")
        check(json.loads(curl("-d", '{"a":1,"b":2}', "-H", "Content-Type: application/json",
                              base + "/v1/components/test/probe/add")) == 3, "call")
        with subprocess.Popen(["curl", "-skN", "-m", "60", "-H", "Authorization: Bearer " + device.token, "-H",
                               "Accept: text/event-stream", base + "/v1/components/test/probe/properties/count"],
                              stdout=subprocess.PIPE) as stream:
            check(b"data: 0\n" in iter(stream.stdout.readline, b""), "event stream")
            stream.terminate()
        check(b"isomer_up 1" in curl(base + "/metrics"), "metrics")


def test_coap_client(programs, guests):
    """coap-client-gnutls: discovery without a key, calls, properties and observation with one, over DTLS and
    TLS; without the key, or with a wrong one, nothing else answers."""
    client = need("coap-client-gnutls")
    with Device(programs) as device:
        deploy(device, guests)
        identity, key = psk(programs, device)

        def coap(scheme, path, *words, secret=key, seconds="60"):
            port = device.ports["coaps" if scheme.startswith("coaps") else "coap"]
            secure = ["-u", identity, "-k", secret] if scheme.startswith("coaps") else []
            result = subprocess.run([client, *secure, "-B", seconds, *words, "%s://127.0.0.1:%d%s" % (scheme, port, path)],
                                    capture_output=True, check=False, timeout=120)
            return (result.stdout + result.stderr).decode("utf-8", "replace")
        for scheme in ("coap", "coap+tcp", "coaps", "coaps+tcp"):
            found = coap(scheme, "/.well-known/core")
            secure = scheme.startswith("coaps")
            check("</d>" in found and ("/c/test/probe/add" in found) == secure, "%s discovery: %s", scheme, found)
            text = coap(scheme, "/d")
            check('"name":"device"' in text and ('"deployments"' in text) == secure, "%s /d: %s", scheme, text)
            if not secure:
                check(set(json.loads(text)) == {"id", "name", "version", "deployment-format", "network"}, "%s /d: %s",
                      scheme, text)
                brief = subprocess.run([client, "-A", "60", "%s://127.0.0.1:%d/d" % (scheme, device.ports["coap"])],
                                       capture_output=True, check=False, timeout=60).stdout
                check(b"deployment-format" in brief and b"architecture" not in brief, "%s /d as CBOR: %r", scheme, brief)
        for scheme in ("coap", "coap+tcp"):
            answer = coap(scheme, "/c/test/probe/properties/count")
            check("4.01" in answer or "4.03" in answer, "%s without a key: %s", scheme, answer)
        for scheme in ("coaps", "coaps+tcp"):
            answer = coap(scheme, "/c/test/probe/add", "-m", "post", "-t", "50", "-e", '{"a":40,"b":2}')
            check(answer.strip().endswith("42"), "%s call: %s", scheme, answer)
            answer = coap(scheme, "/c/test/probe/add", "-m", "post", "-t", "50", "-e", '{"a":40}')
            check("4.00" in answer and "b" in answer, "%s wrong arguments: %s", scheme, answer)
            check("4.04" in coap(scheme, "/c/test/probe/nothing", "-m", "post"), "%s no such function", scheme)
            check(coap(scheme, "/c/test/probe/properties/count").strip().endswith("0"), "%s property", scheme)
            wrong = coap(scheme, "/c/test/probe/properties/count", secret="wrong-key-of-some-length", seconds="2")
            check("0" not in wrong.splitlines()[-1:], "%s wrong key: %s", scheme, wrong)
        check(device.value("test/probe", "get-count") == 0, "nothing was counted")
        with subprocess.Popen([client, "-u", identity, "-k", key, "-B", "60", "-s", "60",
                               "coaps+tcp://127.0.0.1:%d/c/test/probe/properties/count" % device.ports["coaps"]],
                              stdout=subprocess.PIPE) as observer:
            first = observer.stdout.read(1)
            check(first == b"0", "the present value: %r", first)
            device.value("test/probe", "count-up", {"by": 5})
            check(b"5" in iter(lambda: observer.stdout.read(1), b""), "the change")
            observer.terminate()


def test_observer_that_leaves_early(programs, guests):
    """Who asks to observe a property of a busy component and goes before the answer leaves nothing behind: the
    property is not read any more. Who observes and goes later, the same."""
    client = need("coap-client-gnutls")
    with Device(programs) as device:
        deploy(device, guests)
        identity, key = psk(programs, device)

        def calls():
            text = device.good("GET", "/metrics").body.decode()
            found = re.search(r'isomer_component_calls_total{app="test",component="probe",outcome="done"} (\d+)', text)
            return int(found.group(1)) if found else 0

        def observe(seconds):
            return subprocess.Popen([client, "-u", identity, "-k", key, "-B", seconds, "-s", seconds,
                                     "coaps+tcp://127.0.0.1:%d/c/test/probe/properties/count" % device.ports["coaps"]],
                                    stdout=subprocess.PIPE)

        def is_quiet():
            before = calls()
            time.sleep(2.5)  # an observed property is read once a second
            return calls() == before

        def leaves_early(milliseconds):
            """Whether who observes has left before the component had time for it."""
            before = calls()
            busy = threading.Thread(target=device.value, args=("test/probe", "pause", {"milliseconds": milliseconds}))
            busy.start()
            until("it is busy", lambda: device.get("/v1/device")["use"]["instances-waiting"] == 1 or
                  calls() > before)
            answer, _ = observe("2").communicate(timeout=120)
            asked = device.status("test/probe")["queued"] == 1  # it has come so far in its two seconds
            early = calls() == before
            check(answer == b"" or not early, "the component was busy: %r", answer)
            busy.join()
            if asked:
                until("the property was read for the one who left", lambda: calls() >= before + 2)
            return asked and early

        def leaves_later(seconds):
            """Whether the property was read again and again meanwhile."""
            observer = observe(seconds)
            present, before = observer.stdout.read(1), calls()
            until("it is read again and again", lambda: calls() > before + 1 or observer.poll() is not None)
            again = calls() > before + 1
            observer.communicate(timeout=120)
            return again and present == b"0"
        device.value("test/probe", "get-count")
        # The first attempt is right unless the processors are very busy.
        check(any(leaves_early(milliseconds) for milliseconds in (4000, 16000, 50000)), "nothing has ended yet")
        until("nobody asks after one who left early", is_quiet)
        check(any(leaves_later(seconds) for seconds in ("3", "12", "48")), "it is not read again and again")
        until("nobody asks after one who left later", is_quiet)


def test_node_wot(programs, guests):
    """node-wot consumes the device's and a component's Thing Description: reads, invokes and observes over
    HTTP and CoAP."""
    need("node")
    modules = npm.fetch(os.path.join(HERE, "wot"), "wot")
    with Device(programs) as device:
        deploy(device, guests)
        identity, key = psk(programs, device)
        result = subprocess.run(["node", os.path.join(HERE, "wot", "consume.cjs"), modules,
                                 "http://127.0.0.1:%d" % device.ports["http"], device.token, identity, key],
                                capture_output=True, text=True, check=False, timeout=400)
        lines = [line for line in result.stdout.splitlines() if line]
        expected = ["device device", "http-read 0", "http-invoke 42", "http-observe 3", "http-event alarm",
                    "coap-read 3", "coap-invoke 3", "coap-observe 7", "coap-event bell"]
        check(lines == expected, "node-wot said %r, expected %r; %s", lines, expected, result.stderr[-1500:])
