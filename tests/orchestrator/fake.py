"""An orchestrator that speaks docs/orchestrator-api.md and does nothing: for how the commands ask, wait and
print, with answers that a real one gives only under faults. What the real one can do is tested with that."""

import contextlib
import hashlib
import http.server
import json
import os
import threading
import time
import urllib.parse

TOKEN = "0123456789abcdef.fake"
DIGITS = "b5tq2xk7c4m3zr6yw8u1no9dp"


def device(name, **more):
    """A device as GET /v1/devices has it."""
    return {"id": (name + DIGITS)[:26], "name": name, "state": "up", "reason": "",
            "address": "https://192.0.2.7:8443", "addresses": ["https://192.0.2.7:8443"], "pin": "sha256:" + 64 * "0",
            "labels": {"room": name}, "drained": False, "seen": "2026-01-01T00:00:00Z", "load": 0.12,
            "latency-us": 800, "speed": 512.3, "cores": 4, "architecture": "aarch64",
            "memory": {"total-bytes": 1 << 30, "free-bytes": 1 << 29}, "interfaces": {}, "components": 1, **more}


class Fake:
    """Serves on loopback while it is used as a context; `state` has local.json and token."""

    def __init__(self, state):
        self.state = state
        self.devices = {name: device(name) for name in ("den", "hall")}
        self.candidates = [{"id": DIGITS + "a", "name": "porch", "address": "https://192.0.2.9:8443", "found": "mdns",
                            "owner": None, "seen": "2026-01-01T00:00:00Z"}]
        self.packages, self.apps, self.generations = {}, {}, {}
        self.mistakes = []
        self.conflict, self.overloaded = None, False
        self.items = {"registries": {}, "trust": {}}
        self.module = b"\0asm\1\0\0\0"
        # What happens to the next change: what the status says of it, answer by answer, and its end.
        self.steps = [("planning", []), ("preparing", [("den", "upload", "1 of 2 MiB"), ("hall", "done", "")]),
                      ("committing", [("hall", "commit", "")])]
        self.ends_as, self.error, self.moves = "committed", "", []
        self.silent = ()  # devices that do not answer
        self.streams = []  # of logs: each opening gets the next list of entries
        self.requests = []  # (method, path, body)
        self.dead = False  # connections are closed without an answer
        self.server = None

    def __enter__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length) if length else b""
                fake.requests.append((self.command, self.path, body))
                if fake.dead:
                    self.close_connection = True
                    return None
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                path = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
                if self.headers.get("Authorization") != "Bearer " + TOKEN:
                    status, answer = 401, problem("a token is needed")
                elif self.headers.get("Accept") == "text/event-stream":
                    return self.stream()
                else:
                    status, answer = fake.answer(self.command, path, query, body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who waited may have gone
                    self.wfile.write(data)
                return None

            def stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for entry in fake.streams.pop(0) if fake.streams else []:
                    self.wfile.write(b"id: 1\ndata: " + json.dumps(entry).encode() + b"\n\n")
                self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        os.makedirs(self.state, exist_ok=True)
        with open(os.path.join(self.state, "token"), "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        with open(os.path.join(self.state, "local.json"), "w", encoding="utf-8") as file:
            json.dump({"url": self.url, "pin": "", "id": DIGITS, "pid": os.getpid()}, file)
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def bodies(self, method, path):
        """The JSON documents that were sent there."""
        return [json.loads(body) for m, p, body in self.requests if (m, p) == (method, path)]

    # ---- Answers ----

    def answer(self, method, path, query, body):
        table = {"devices": self.on_devices, "packages": self.on_packages, "apps": self.on_apps,
                 "registries": self.on_items, "trust": self.on_items, "modules": self.on_modules, "check": self.on_check, "plan": self.on_plan, "events": self.on_events,
                 "flows": self.on_flows, "components": self.on_components}
        if len(path) < 2 or path[0] != "v1" or path[1] not in table:
            return 404, problem(f"no such route: /{'/'.join(path)}")
        return table[path[1]](method, path[2:] if path[1] not in self.items else path[1:], query, body)

    def on_devices(self, method, path, query, body):
        if not path and method == "GET":
            return 200, {"devices": list(self.devices.values()), "candidates": self.candidates}
        if not path:
            wanted = json.loads(body)
            if wanted.get("code", "GOOD") != "GOOD":
                return 403, problem("the code is wrong")
            known = [one for one in self.candidates if wanted["address"] in (one["name"], one["address"])]
            if "code" not in wanted and "token" not in wanted:
                return (202, known[0]) if known else (504, problem(f"{wanted['address']} does not answer"))
            new = device(wanted.get("name") or (known[0]["name"] if known else "kitchen"))
            self.devices[new["name"]] = new
            return 201, new
        one = self.devices.get(path[0])
        if one is None:
            return 404, problem(f"no device {path[0]}")
        if method == "PATCH":
            for key, value in json.loads(body).items():
                if key == "labels":
                    one["labels"] = {k: v for k, v in {**one["labels"], **value}.items() if v is not None}
                else:
                    one[key] = value
        if method == "DELETE":
            if one["components"] and "forget" not in query:
                return 409, problem(f"{path[0]} is used by hello")
            del self.devices[path[0]]
            return 204, b""
        return 200, one

    def on_packages(self, method, path, query, body):
        if method == "POST" and not path:
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            key = f"{query['name']}@{query['version']}" if "name" in query else digest
            self.packages[key] = {"reference": key, "digest": digest, "size-bytes": len(body),
                                  "signature": query.get("signature", "")}
            return 201, self.packages[key]
        if not path:
            return 200, list(self.packages.values())
        if path in (["fetch"], ["push"]):
            reference = json.loads(body).get("reference") or json.loads(body)["to"] + "@sha256:" + 64 * "1"
            return 200, {"reference": reference, "exact": reference + "#exact",
                         "digest": "sha256:" + hashlib.sha256(self.module).hexdigest()}
        if path[0] not in self.packages:
            return 404, problem(f"no package {path[0]}")
        if method == "DELETE":
            return 204, self.packages.pop(path[0]) and b""
        return 200, self.packages[path[0]]

    def on_modules(self, _method, _path, _query, _body):
        return 200, self.module

    def on_items(self, method, path, _query, body):
        kept = self.items[path[0]]
        if len(path) == 1:
            return 200, list(kept.values())
        if method == "PUT":
            kept[path[1]] = {"alias": path[1], "id": path[1], **json.loads(body)}
            return 204, b""
        return (204, kept.pop(path[1]) and b"") if path[1] in kept else (404, problem(f"no {path[1]}"))

    def on_check(self, _method, _path, _query, _body):
        if any(one["severity"] == "error" for one in self.mistakes):
            return 422, {"type": "urn:isomer:problem:mistakes", "detail": "mistakes", "mistakes": self.mistakes}
        return 200, {"mistakes": self.mistakes}

    def on_plan(self, _method, _path, _query, body):
        if self.mistakes:
            return 422, {"type": "urn:isomer:problem:mistakes", "detail": "mistakes", "mistakes": self.mistakes}
        manifest = json.loads(json.loads(body)["manifest"])
        den, hall = self.devices["den"], self.devices["hall"]
        if self.conflict:
            return 200, {"app": manifest["app"], "feasible": False, "conflict": self.conflict, "changes": [], "components": [
                {"name": name, "device": None, "why": [], "not-more": 3,
                 "not": [{"device": den["id"], "device-name": "den", "hard": True, "why": "lacks the label room=moon"}]}
                for name in manifest["components"]]}
        return 200, {"app": manifest["app"], "feasible": True, "overloaded": self.overloaded, "components": [
            {"name": name, "device": den["id"], "device-name": "den", "why": ["fastest: 512 M fuel/s", "free"],
             "not": [{"device": hall["id"], "device-name": "hall", "hard": True, "why": "offers no isomer:device/gpio"}]}
            for name in manifest["components"]],
            "cost": {"total": 0.0, "terms": {}}, "changes": []}

    def on_events(self, _method, _path, _query, _body):
        return 200, [{"time": "2026-01-01T00:00:00Z", "event": "deployed", "app": "hello", "component": "",
                      "device": "", "detail": "generation 1"}]

    def on_flows(self, method, path, _query, body):
        if not path or path[0] not in self.apps:
            return 404, problem("no application " + (path[0] if path else ""))
        if method == "POST":
            if body[:1] not in (b"4", b""):
                return 400, problem("step 0 (counter.add) on den: bad-arguments: input: expected a number")
            return 200, json.loads(body or b"0") + 1
        step = {"component": "counter", "function": "add", "device": "den-id", "executed": 4, "failed": 1, "queued": 0,
                "latency": {"p50-us": 1500}}
        return 200, {"flows": [{"app": path[0], "flow": "sum", "generation": 1, "on": "den-id", "state": "running",
                                "started": 5, "finished": 3, "failed": 1, "dropped": 0, "lost": 0, "running": 1,
                                "rate": 0.5, "latency": {"p50-us": 2500}, "last-error": "step 0: trap",
                                "steps": [step]}], "links": [], "peers": [], "silent": []}

    def on_components(self, _method, _path, query, _body):
        """The devices that are in self.silent say nothing."""
        listed = []
        for app in self.apps:
            if query.get("app", app) != app:
                continue
            for one in self.status(app)["components"]:
                listed.append({"app": app, "component": one["name"], "device": one["device"], "device-name": one["device-name"]})
                if one["device-name"] in self.silent:
                    listed[-1]["state"] = "unknown"
                else:
                    listed[-1].update({"state": "running", "mode": "function", "calls": {"done": 1234, "total": 1240},
                                       "latency-ms": {"p50": 3.12}, "memory-bytes": 12 << 20, "cpu-ms": 50.5})
        return 200, listed

    # ---- Applications ----

    def on_apps(self, method, path, query, body):
        if not path:
            return 200, [self.status(app) for app in self.apps]
        app = path[0]
        if method == "PUT" and self.mistakes:
            return 422, {"type": "urn:isomer:problem:mistakes", "detail": "mistakes", "mistakes": self.mistakes}
        if method == "PUT":
            manifest = json.loads(json.loads(body)["manifest"])
            self.apps.setdefault(app, {"current": 0, "revision": 0, "pending": None, "gone": False, "components": [], "at": {}})
            self.apps[app]["components"] = list(manifest["components"])
            return self.change(app, "deploy")
        if app not in self.apps or self.apps[app]["gone"]:
            return 404, problem(f"no application {app}")
        if method == "DELETE":
            return self.change(app, "remove")
        if len(path) == 1:
            return 200, self.wait(app, query)
        if path[1] == "generations":
            kept = self.generations.get(app, {})
            if len(path) == 2:
                return 200, list(kept.values())
            one = kept.get(int(path[2]))
            return (200, one) if one else (404, problem(f"no generation {path[2]}"))
        return self.change(app, "rollback" if path[1] == "rollback" else "move")

    def change(self, app, cause):
        one = self.apps[app]
        number = max(self.generations.get(app, {0: 0})) + 1
        one["pending"], one["cause"], one["steps"] = number, cause, list(self.steps)
        one["revision"] += 1
        self.generations.setdefault(app, {})[number] = {
            "app": app, "generation": number, "state": "accepted", "cause": cause, "error": "", "moves": [],
            "created": "2026-01-01T00:00:00Z", "devices": []}
        return 202, {"app": app, "generation": number, "revision": one["revision"]}

    def wait(self, app, query):
        """Each answer to ?after shows the next step; what never ends answers only when nobody waits any more."""
        one = self.apps[app]
        if "after" in query and one["pending"] is not None:
            if one["steps"]:
                one["steps"].pop(0)
                one["revision"] += 1
            if not one["steps"] and self.ends_as is None:
                one["steps"] = [self.steps[-1]]
                time.sleep(0.05)
        if one["pending"] is not None and not one["steps"]:
            self.end(app)
        return self.status(app)

    def end(self, app):
        one = self.apps[app]
        generation = self.generations[app][one["pending"]]
        generation.update(state=self.ends_as, error=self.error, moves=self.moves)
        if self.ends_as == "committed":
            for other in self.generations[app].values():
                if other is not generation and other["state"] == "committed":
                    other["state"] = "replaced"
            one["current"] = one["pending"]
            one["gone"] = one["cause"] == "remove"
            one["at"].update({move["component"]: move["to"] for move in self.moves})
        else:
            generation["devices"] = [{"device": "x", "name": "hall", "step": "prepare", "text": "the disk is full"}]
        one["pending"] = None
        one["revision"] += 1

    def status(self, app):
        one = self.apps[app]
        answer = {"app": app, "revision": one["revision"], "state": "running" if one["current"] else "failed",
                  "generation": one["current"], "wanted": one["pending"] or one["current"], "reason": "",
                  "components": [{"name": name, "device": "den", "device-name": one["at"].get(name, "den"), "epoch": 1, "mode": "function",
                                  "state": "running", "package": "file:" + name} for name in one["components"]],
                  "flows": [], "change": None}
        if one["pending"] is not None and one["steps"]:
            state, devices = one["steps"][0]
            self.generations[app][one["pending"]]["state"] = state
            answer["state"] = "waiting" if state == "committing" and self.ends_as is None else "deploying"
            answer["reason"] = "hall has not confirmed" if answer["state"] == "waiting" else ""
            answer["change"] = {"generation": one["pending"], "state": state, "cause": one["cause"], "detail": "",
                                "devices": [{"device": name, "name": name, "step": step, "text": text}
                                            for name, step, text in devices], "moves": []}
        return answer


def problem(detail):
    return {"type": "about:blank", "title": "problem", "detail": detail}
