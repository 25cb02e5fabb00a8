"""Who may do what: every route without a credential, with one that may only look, from foreign pages."""

import http.client
import json
import os
import re
import stat
import subprocess

from device import GRANTS, Device, check, document

PUBLIC = {("GET", "/.well-known/wot"), ("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/"),
          ("GET", "/static/page.css"), ("GET", "/static/page.js"), ("GET", "/static/picture.js"), ("GET", "/login"),
          ("GET", "/static/display.js"), ("GET", "/display/{name}"),
          ("POST", "/v1/pairing/start"), ("POST", "/v1/pairing/finish"),
          ("GET", "/v1/components/{app}/{component}/td"),
          ("GET", "/v1/components/{app}/{component}/openapi.json"),
          ("GET", "/v1/components/{app}/{component}/wit")}


def routes(device):
    """Every route that the device describes, with parameters filled in."""
    api = device.request("GET", "/openapi.json", token=False).json()
    values = {"app": "test", "component": "probe", "function": "count-up", "property": "count",
              "digest": "sha256:" + "0" * 64, "generation": "2", "name": "default", "id": "00", "flow": "flow"}
    for pattern, methods in api["paths"].items():
        path = re.sub(r"\{(\w+)\}", lambda found: values[found.group(1)], pattern)
        for method, operation in methods.items():
            yield method.upper(), pattern, path, "requestBody" in operation


def test_nothing_without_a_token(programs, guests):
    """Without a token nothing changes, nothing runs and nothing private is readable, on every route."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}))
        tried = 0
        for method, pattern, path, has_body in routes(device):
            for token in (False, "0123456789abcdef.wrong", device.token[:-1] + "x", ""):
                answer = device.request(method, path, b"{}" if has_body else None, token=token,
                                        headers={"Content-Type": "application/json"} if has_body else None)
                tried += 1
                if (method, pattern) in PUBLIC:
                    check(answer.status not in (401,), "%s %s is for everybody: %s", method, path, answer)
                else:
                    check(answer.status == 401, "%s %s: %s", method, path, answer)
        check(tried >= 100, "%d tried", tried)
        check(device.value("test/probe", "get-count") == 0, "nothing ran")
        check(len(device.get("/v1/deployments")) == 1, "nothing was removed")


def test_who_may_look_may_not_change(programs, guests):
    """A token of the role read reads, and changes nothing."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "mode": "service"})}))
        token = device.good("POST", "/v1/tokens", {"role": "read", "label": "looks"}).json()["token"]
        for method, pattern, path, has_body in routes(device):
            if (method, pattern) in PUBLIC or method == "GET" and not re.search("snapshot|document|modules/", path):
                continue
            if pattern in ("/v1/login",):
                continue
            answer = device.request(method, path, b"{}" if has_body else None, token=token,
                                    headers={"Content-Type": "application/json"} if has_body else None)
            check(answer.status == 403 or pattern == "/v1/tokens" and method == "GET", "%s %s: %s", method, path,
                  answer)
        check(device.request("GET", "/v1/device", token=token).status == 200, "it may look")
        check(device.request("GET", "/v1/components/test/probe/properties/count", token=token).status == 200,
              "also at properties")
        ids = [t["id"] for t in device.get("/v1/tokens") if t["label"] == "looks"]
        connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=60)
        connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + token,
                                                         "Accept": "text/event-stream"})
        stream = connection.getresponse()
        device.good("DELETE", "/v1/tokens/" + ids[0])
        try:
            stream.read() # until the device closes it
        except http.client.HTTPException:
            pass
        check(device.request("GET", "/v1/device", token=token).status == 401, "withdrawn")


def test_foreign_pages_are_refused(programs, guests):
    """Unknown hosts get 421, foreign origins 403, also with a token; secrets are in no answer or log."""
    with Device(programs) as device:
        answer = device.request("GET", "/v1/device", headers={"Host": "evil.example"})
        check(answer.status == 421, "host: %s", answer)
        for path in ("/v1/device", "/v1/events", "/.well-known/wot"):
            answer = device.request("GET", path, headers={"Origin": "https://evil.example"})
            check(answer.status == 403, "origin %s: %s", path, answer)
        answer = device.request("GET", "/")
        check(answer.headers["X-Content-Type-Options"] == "nosniff", "nosniff")
        check("default-src 'self'" in answer.headers["Content-Security-Policy"], "CSP")
        check(device.token not in device.log(), "the token is not logged")
        for name in ("token", "tokens.json", "identity.pem"):
            mode = stat.S_IMODE(os.stat(os.path.join(device.state, name)).st_mode)
            check(mode == 0o600, "%s has mode %o", name, mode)


def test_pages_sign_in_by_an_address(programs, guests):
    """The one-time address gives a cookie that works, and works once itself."""
    with Device(programs) as device:
        url = device.good("POST", "/v1/login", {}).json()["url"]
        path = url[url.index("/login"):]
        answer = device.request("GET", path, token=False)
        cookie = answer.headers["Set-Cookie"]
        check("HttpOnly" in cookie and "SameSite=Strict" in cookie, "cookie %s", cookie)
        named = {"Cookie": cookie.split(";")[0]}
        check(device.request("GET", "/v1/device", token=False, headers=named).status == 200, "the cookie works")
        answer = device.request("POST", "/v1/tokens", {"role": "read"}, token=False, headers=named)
        check(answer.status == 403, "a page looks only: %s", answer)
        check(device.request("GET", path, token=False).status == 403, "the address works once")
        check(device.request("GET", "/v1/device", token=False, headers={"Cookie": "isomer=x"}).status == 401,
              "another cookie does not")


def test_pairing_by_a_code(programs, guests):
    """Two machines pair by a code that is good once; a wrong one, and the key of another, are refused."""
    with Device(programs) as device:
        home = os.path.join(device.state, "home")
        os.mkdir(home)
        env = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": ""}
        address = "https://127.0.0.1:%d" % device.ports["https"]

        def client(*words, token=False):
            command = [programs["isomer"], "--device", address]
            if token:
                command = [programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
                           "@" + os.path.join(device.state, "token")]
            return subprocess.run(command + list(words), capture_output=True, text=True, env=env, check=False,
                                  timeout=60)
        code = client("pair", token=True).stdout.strip()
        check(re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code), "code %r", code)
        wrong = client("pair", "0000-0000-0000-0000")
        check(wrong.returncode != 0 and "code" in wrong.stderr, "wrong code: %s", wrong.stderr)
        right = client("pair", code)
        check(right.returncode == 0 and "sha256:" in right.stderr, "right code: %s", right.stderr)
        check(client("device").returncode == 0, "the remembered token works")
        check(client("pair", code).returncode != 0, "a code is good once")
        known = os.path.join(home, ".config", "isomer", "devices.json")
        check(stat.S_IMODE(os.stat(known).st_mode) == 0o600, "mode of %s", known)
        with open(known, encoding="utf-8") as stream:
            entries = json.load(stream)
        entry = next(iter(entries.values()))
        entry["pin"] = "sha256:" + "0" * 64
        with open(known, "w", encoding="utf-8") as stream:
            json.dump(entries, stream)
        other = client("device")
        check(other.returncode != 0 and "another key" in other.stderr, "another key: %s", other.stderr)
