"""The API beside deployments: what devices answer is passed on, the directory of things, access, events."""

import contextlib
import http.client
import json
import os
import re
import signal
import sqlite3
import threading
import time

from fleet import Orchestrator, check, now, site, until
from suite import execute
from test_apps import files, manifest
from test_faults import between


def whole(held, path, begun):
    """All of a stream, until it ends; begun: an event that is set when its first data have come."""
    connection = http.client.HTTPConnection("127.0.0.1", held.ports["http"], timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer " + held.token,
                                                 "Accept": "text/event-stream"})
        answer, text = connection.getresponse(), b""
        while line := answer.readline():
            text += line
            if line.startswith(b"data:"):
                begun.set()
        return text.decode()
    finally:
        connection.close()


def entries(held, path, headers=None, count=1):
    """The first events of a stream: (id, data)."""
    connection = http.client.HTTPConnection("127.0.0.1", held.ports["http"], timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer " + held.token,
                                                 "Accept": "text/event-stream", **(headers or {})})
        answer = connection.getresponse()
        check(answer.status == 200 and answer.getheader("Content-Type").startswith("text/event-stream"), "%s: %d",
              path, answer.status)
        found, number = [], None
        while len(found) < count:
            line = answer.readline().decode()
            check(line, "%s ended after %s", path, found)
            if line.startswith("id:"):
                number = int(line[3:])
            if line.startswith("data:"):
                found.append((number, line[5:].strip()))
        return found
    finally:
        connection.close()


def lines(held, path, headers=None, count=1):
    """The data of the first events of a stream."""
    return [data for _, data in entries(held, path, headers, count)]


# What everybody may see; of the pages, what they consist of and nothing that they show.
PUBLIC = ("/health", "/openapi.json", "/v1/register", "/login", "/", "/swagger", "/favicon.ico")


def at_once(ask):
    """What is answered within 2 s: nobody is asked who does not answer. Not the first time on a busy machine."""
    answers = []

    def quick():
        began = now()
        answers[:] = [ask()]
        return now() - began < 2
    until("it is answered at once", quick)
    return answers[0]


def test_passes_on_what_devices_answer(programs, guests):
    """Calls with all their outcomes, descriptions, logs and properties, as if the orchestrator were the device."""
    with site(programs, "hall", "den") as (held, devices):
        held.deploy(manifest(), files(guests))
        restless = manifest(probe={"mode": "service", "on-loss": "restart", "place": {"device": "den"}}, app="restless")
        held.deploy(restless, files(guests))
        check(held.call("lab/probe", "decide", {"good": False, "text": "no"}).status == 422, "an error of the function")
        trap = held.call("lab/probe", "trap")
        check(trap.status == 500 and trap.json()["trap"]["backtrace"][0]["offset"] > 0, "a trap: %s", trap)
        check(held.call("lab/probe", "add", {"a": "x", "b": 1}).status == 400, "wrong arguments")
        check(held.call("lab/probe", "nothing").status == 404, "no such function")
        check(held.call("lab/nobody", "add", {"a": 1, "b": 1}).status == 404, "no such component")
        key = {"Idempotency-Key": "once"}
        first = held.call("lab/probe", "count-up", {"by": 1}, headers=key)
        again = held.call("lab/probe", "count-up", {"by": 1}, headers=key)
        check(first.body == again.body and held.value("lab/probe", "get-count") == 1, "a repeated call: %s", again)
        data = bytes(range(256)) * 4000
        echo = held.call("lab/probe", "echo", data, headers={"Content-Type": "application/octet-stream",
                                                             "Accept": "application/octet-stream"})
        check(echo.status == 200 and echo.body == data, "a megabyte there and back")
        for document, word in (("td", "@context"), ("openapi.json", "openapi"), ("wit", "package")):
            check(word in held.good("GET", "/v1/components/lab/probe/" + document).body.decode(), document)
        held.value("lab/probe", "say", {"text": "hello from the guest"})
        last = lines(held, "/v1/components/lab/probe/logs?tail=1")[0]
        check("hello from the guest" in last, "logs as a stream: %s", last)
        for path in ("/v1/components/lab/probe/logs", "/v1/components/lab/probe/events", "/v1/events"):
            answer = held.request("GET", path + "?tail=x%26")
            check(answer.status == 400 and b"?tail= is a number" in answer.body, "%s: %s", path, answer)
        check(lines(held, "/v1/components/lab/probe/properties/count") == ["1"], "a property as a stream")
        flows = held.get("/v1/flows/lab")
        check(flows["links"] and flows["links"][0]["component"] == "caller", "links: %s", flows)
        devices["den"].process.send_signal(signal.SIGSTOP)
        until("it is known to be gone", lambda: held.device("den")["state"] == "lost")
        for ask in (lambda: held.request("GET", "/v1/components/lab/probe"),
                    lambda: held.request("GET", "/v1/components/lab/probe/td"),
                    lambda: held.request("GET", "/v1/components/lab/probe/logs",
                                         headers={"Accept": "text/event-stream"}),
                    lambda: held.request("GET", "/v1/components/restless/probe"), # there is no other place for it
                    lambda: held.request("GET", "/displays/den/main/picture"),
                    lambda: held.call("lab/probe", "get-count", timeout=60)):
            answer = at_once(ask)
            check(answer.status == 502 and answer.json()["type"] == "urn:isomer:problem:unreachable" and
                  re.match("den is lost: .*not answer", answer.json()["detail"]), "a device that is gone: %s", answer)
        flows = at_once(lambda: held.get("/v1/flows/lab"))
        check(flows["silent"] == [held.device("den")["id"]], "who says nothing of flows")
        devices["den"].kill()


def test_components_with_their_figures(programs, guests):
    """All components with what their devices say of them, of all applications and of one; those of a lost device are
    named, without figures and without a delay."""
    with site(programs, "hall", "den") as (held, devices):
        app = manifest()
        app["components"]["probe"]["place"] = {"device": "den"}
        app["components"]["near"] = {"package": "file:probe", "place": {"device": "hall"}}
        app["links"] = {"caller.test:probe/calc@1.0.0": "probe"}
        held.deploy(app, files(guests))
        held.value("lab/near", "add", {"a": 1, "b": 1})
        listed = {one["component"]: one for one in held.get("/v1/components")}
        check(sorted(listed) == ["caller", "near", "probe"], "listed: %s", listed)
        check(listed["near"]["device-name"] == "hall" and listed["near"]["device"] == held.device("hall")["id"] and
              listed["near"]["calls"]["total"] == 1 and listed["near"]["state"] == "running", "near: %s", listed["near"])
        check(listed["probe"]["device-name"] == "den" and listed["probe"]["calls"]["total"] == 0, "probe: %s",
              listed["probe"])
        check(len(held.get("/v1/components?app=lab")) == 3, "of one application")
        answer = held.request("GET", "/v1/components?app=nobody")
        check(answer.status == 404 and b"no application has that name" in answer.body, "of none: %s", answer)
        check(held.request("GET", "/v1/components", token=False).status == 401, "without a token")
        os.kill(devices["den"].process.pid, signal.SIGSTOP)
        held.await_state("den", "lost")
        def took():
            asked = time.monotonic()
            held.get("/v1/components")
            return time.monotonic() - asked
        until("it is not waited for: that would be 1.5 s each time", lambda: took() < 1.4)
        shown = execute([programs["client"], "--orchestrator", held.state, "ps", "lab"], text=True).stdout
        os.kill(devices["den"].process.pid, signal.SIGCONT)
        check(re.search(r"^lab/probe +den +unknown +service +- +- +- +", shown, re.M), "of a lost device: %s", shown)
        check(re.search(r"^lab/near +hall +running +\S+ +1 +\S+ ms +", shown, re.M), "of the other: %s", shown)


def test_numbers_of_events_go_on(programs, guests):
    """Who follows events comes again after a restart of the orchestrator with the number of the last one that it has
    seen, and gets every event since then once: those of before, those of now."""
    def after(held, seen, count):
        return entries(held, "/v1/events", {"Last-Event-ID": str(seen)}, count)
    with Orchestrator(programs) as held:
        def push(name):
            held.push(guests.bytes("probe"), name, "1.0.0")
        everything = []
        for stop, names in ((held.stop, ("one", "two")), (held.kill, ("three",)), (held.stop, ("four",))):
            for name in names:
                push(name)
            everything += [name + "@1.0.0" for name in names]
            known = [json.loads(entry)["detail"] for entry in lines(held, "/v1/events", count=len(everything))]
            check(known == everything, "events: %s, not %s", known, everything)
            numbers = [number for number, _ in entries(held, "/v1/events", count=len(everything))]
            check(numbers == sorted(set(numbers)), "numbers: %s", numbers)
            stop()
            held.start()
            for i, number in enumerate(numbers[:-1]):
                found = after(held, number, len(numbers) - i - 1)
                check([key for key, _ in found] == numbers[i + 1:], "after the %dth of %s: %s", i, numbers, found)
        # Many more of them than are kept in memory, as a long life leaves them in the store.
        last = numbers[-1]
        held.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(held.state, "orchestrator.db"))) as store, store:
            store.executemany("INSERT INTO events (seq, json) VALUES (?, ?)",
                              [(last + i, json.dumps({"event": "filler", "detail": str(i)})) for i in range(1, 1501)])
        held.start()
        found = after(held, last + 1450, 50)
        check([(key, json.loads(data)["detail"]) for key, data in found] ==
              [(last + i, str(i)) for i in range(1451, 1501)], "of many: %s", found)
        push("five")
        found = after(held, last + 1499, 2)
        check([json.loads(data)["detail"] for _, data in found] == ["1500", "five@1.0.0"], "the last two: %s", found)
        check(found[1][0] > last + 1500, "numbers: %s", found)
        check(len(held.events()) == 1001, "none was repeated, and the latest 1000 are shown again")


def test_flows_through_two_devices(programs, guests):
    """A flow is told of once, each step with the figures of its device; an input that a step refuses is the
    caller's mistake, also when the step is on another device, and is told."""
    with site(programs, "hall", "den") as (held, devices):
        app = manifest(flows={"sum": {"on": {"call": True}, "steps": [
            {"as": "first", "call": "near.add", "with": {"a": "$input.a", "b": 1}},
            {"call": "probe.add", "with": {"a": "$first", "b": "$input.b"}}]},
                              "note": {"on": {"call": True}, "steps": [{"call": "near.say"}]}})
        app["components"]["near"] = {"package": "file:probe", "place": {"device": "hall"}}
        app["components"]["probe"]["place"] = {"device": "den"}
        app["links"] = {"caller.test:probe/calc@1.0.0": "probe"}
        held.deploy(app, files(guests))
        answer = held.request("POST", "/v1/flows/lab/sum", {"a": 1, "b": 40})
        check(answer.status == 200 and answer.json() == 42, "a run: %s", answer)
        for wrong, step, what in (({"a": "x", "b": 1}, "step 0 (near.add)", "a: expected s32 (-2147483648 to 2147483647), found \"x\""),
                                  ({"a": 1, "b": "x"}, "step 1 (probe.add)", "b: expected s32 (-2147483648 to 2147483647), found \"x\""),
                                  ({"a": 1}, "step 1 (probe.add)", "b: expected s32, and the input has no field 'b'")):
            answer = held.request("POST", "/v1/flows/lab/sum", wrong)
            text = answer.json()["detail"]
            check(answer.status == 400 and text.startswith(step) and text.endswith(what), "%s: %s", wrong, answer)
        answer = held.request("POST", "/v1/flows/lab/note", [5])
        check(answer.status == 400 and answer.json()["detail"] ==
              "the input, for step 0 (near.say): text: expected string, found an array", "without `with`: %s", answer)
        flows = held.get("/v1/flows/lab")["flows"]
        check([flow["flow"] for flow in flows] == ["sum", "note"], "flows: %s", flows)
        check(all(flow["state"] == "running" for flow in flows), "its callers' mistakes are not its own: %s", flows)
        check(flows[0]["on"] == held.device("hall")["id"] and flows[0]["started"] == 4, "its runs: %s", flows[0])
        check([step["device"] for step in flows[0]["steps"]] == [held.device(name)["id"] for name in ("hall", "den")],
              "where its steps are: %s", flows[0])
        check([step["executed"] for step in flows[0]["steps"]] == [3, 1], "its steps: %s", flows[0])
        check(len(devices["den"].get("/v1/flows")["flows"]) == 1, "the other device tells of it, too")
        den = held.device("den")["id"]
        for name in ("den", 'the "attic"'): # as the device is called there now
            held.good("PATCH", "/v1/devices/" + den, {"name": name})
            answer = held.request("POST", "/v1/flows/lab/sum", {"a": 1, "b": "x"})
            check(answer.status == 400 and answer.json()["detail"].startswith("step 1 (probe.add) on %s: " % name),
                  "on which device: %s", answer)


def test_a_flow_that_fails_is_seen(programs, guests):
    """A flow whose runs all fail, while all components are up: the application's state says which flow, since when and
    why, in the API and on the command line, until a generation comes whose runs finish."""
    with site(programs, "hall", "den") as (held, devices):
        def app(call):
            flow = {"on": {"every": "100ms"}, "steps": [{"call": "probe.get-count"}, {"call": call, "with": {}}]}
            own = manifest(flows={"tick": flow}, probe={"mode": "service", "place": {"device": "hall"}})
            own["components"]["other"] = {"package": "file:probe", "place": {"device": "den"}}
            own["links"] = {"caller.test:probe/calc@1.0.0": "probe"}
            return own
        def shown(*words):
            return execute([programs["client"], "--orchestrator", held.state, *words], text=True).stdout
        held.deploy(app("other.trap"), files(guests))
        status = until("the state says that it fails", lambda: (lambda app: app if app["state"] == "failing" else None)(
            held.get("/v1/apps/lab")))
        check(re.match(r"the flow tick fails since 20..-..-..T..:..:..\....Z: step 1 \(other.trap\) on den: trap",
                       status["reason"]), "reason: %s", status)
        check(status["failing"][0]["error"].startswith("step 1 (other.trap) on den: trap"), "error: %s", status)
        check([(f["flow"], f["device"]) for f in status["failing"]] == [("tick", held.device("hall")["id"])],
              "failing: %s", status)
        check(all(c["state"] == "running" for c in status["components"]), "components: %s", status)
        check([a["state"] for a in held.get("/v1/apps")] == ["failing"], "in the list")
        flow = held.get("/v1/flows/lab")["flows"][0]
        check(flow["state"] == "failing" and flow["failing-since"] == status["failing"][0]["since"], "flow: %s", flow)
        check(re.search(r"^state +failing$", shown("describe", "lab"), re.M), "describe: %s", shown("describe", "lab"))
        check(status["failing"][0]["since"] in shown("describe", "lab"), "since when")
        check(re.search(r"^lab/tick is failing since 20.*Z$", shown("flow", "show", "lab/tick"), re.M), "flow show")
        check(re.search(r"^lab/tick +failing ", shown("flow", "ls"), re.M), "flow ls")
        told = [event["detail"] for event in held.events() if event["event"] == "failing"]
        check(told == [status["reason"]], "events: %s", told)
        told = [event["detail"] for event in devices["hall"].get("/v1/events") if event["event"] == "flow"]
        check(told and re.match("tick fails: step 1: trap", told[0]), "the device's events: %s", told)
        held.deploy(app("other.get-count"), files(guests))
        until("it runs again", lambda: held.get("/v1/apps/lab")["state"] == "running")
        until("that is told", lambda: "recovered" in [event["event"] for event in held.events()])


def test_logs_follow_a_move(programs, guests):
    """Who follows the logs is led to the device that the component is on now: the stream ends when it leaves."""
    with site(programs, "hall", "den") as (held, _):
        held.deploy(manifest(probe={}), files(guests))
        held.value("lab/probe", "say", {"text": "before"})
        ended, begun = [], threading.Event()
        thread = threading.Thread(target=lambda: ended.append(whole(held, "/v1/components/lab/probe/logs", begun)))
        thread.start()
        check(begun.wait(60), "the stream has begun")
        home = held.where("lab", "probe")
        held.move("lab", "probe", "den" if home == "hall" else "hall")
        thread.join(60)
        check(ended and "before" in ended[0], "the old stream: %s", ended)
        held.value("lab/probe", "say", {"text": "after"})
        check("after" in lines(held, "/v1/components/lab/probe/logs?tail=1")[0], "the new one")


def test_devices_do_not_speak_in_its_name(programs, guests):
    """What a device calls a page or a script reaches nobody as such, and that it refuses the orchestrator is not
    the client's fault."""
    with between(programs) as (held, _, _, proxy):
        held.deploy(manifest(), files(guests))
        script = (200, "text/html", b"<script>alert(1)</script>")
        proxy.rule("GET /display/x/picture", script)
        proxy.rule("GET .*/lab/probe/wit", script)
        for path in ("/displays/den/x/picture", "/v1/components/lab/probe/wit"):
            answer = held.good("GET", path)
            check(answer.headers["Content-Type"] == "application/octet-stream", "%s: %s", path, answer.headers)
        proxy.rule("POST .*/get-count", (401, "application/problem+json", b"{}"))
        check(held.call("lab/probe", "get-count").status == 502, "a token that is not known there")
        for wrong in ({"file:probe": 7}, {"file:probe": {"digest": "sha256:zz"}}, [1]):
            answer = held.request("PUT", "/v1/apps/lab", {"manifest": "{}", "files": wrong})
            check(answer.status == 400, "files %s: %s", wrong, answer)
        check(held.request("GET", "/v1/apps/lab/generations/99999999999999999999999").status == 404, "a huge number")


def test_a_directory_of_things(programs, guests):
    """Thing Descriptions of all devices and components, in pages, and one by one."""
    with site(programs, "hall", "den") as (held, _):
        held.deploy(manifest(), files(guests))
        things = held.get("/things")
        titles = [thing["title"] for thing in things]
        check(len(things) == 4 and {"hall", "den"} <= set(titles), "things: %s", titles)
        for thing in things:
            one = held.good("GET", "/things/" + thing["id"]).json()
            check(one["id"] == thing["id"] and one["@context"], "one: %s", one)
        pages = [held.get("/things?offset=%d&limit=1" % offset) for offset in range(5)]
        check([len(page) for page in pages] == [1, 1, 1, 1, 0], "pages")
        check(held.request("GET", "/things/urn:isomer:nobody").status == 404, "none")
        check(held.request("GET", "/things?limit=x").status == 400, "not a number")


def test_who_may(programs, guests):
    """Without a token only what is for everybody; a token for reading changes nothing; nothing secret is told."""
    with site(programs, "hall") as (held, devices):
        held.deploy(manifest(probe={}, caller={}), files(guests))
        reader = held.good("POST", "/v1/tokens", {"role": "read", "label": "a screen"}).json()["token"]
        document = held.get("/openapi.json")
        for path, methods in document["paths"].items():
            real = path.replace("{app}", "lab").replace("{component}", "probe").replace("{function}", "get-count")
            for method in methods:
                if method not in ("get", "put", "post", "delete", "patch"):
                    continue
                bare = held.request(method.upper(), real, b"" if method == "get" else {}, token=False)
                public = path in PUBLIC or path.startswith("/static")
                check(public or bare.status in (401, 404), "%s %s without a token: %s", method, path, bare)
                if method != "get" and path != "/v1/login": # a page for reading is for readers
                    answer = held.request(method.upper(), real, {}, token=reader)
                    check(public or answer.status in (403, 404), "%s %s for a reader: %s", method, path, answer)
        secrets = [devices["hall"].token.split(".")[1], held.token.split(".")[1]]
        seen = "".join(held.request("GET", path).body.decode() for path in (
            "/v1/devices", "/v1/devices/hall", "/v1/apps/lab", "/v1/apps/lab/generations/1", "/v1/events",
            "/v1/orchestrator", "/metrics", "/v1/tokens"))
        seen += held.log()
        check(not any(secret in seen for secret in secrets), "a token is shown")
        check('"key"' not in held.request("GET", "/v1/apps/lab/generations/1").body.decode(), "keys of pairs are shown")


def test_events(programs, guests):
    """What happened, in order, also after a restart; an application's status is waited for."""
    with site(programs, "hall") as (held, _):
        held.deploy(manifest(probe={}, caller={}), files(guests))
        names = [event["event"] for event in held.events()]
        for earlier, later in (("device-added", "accepted"), ("accepted", "deployed")):
            check(names.index(earlier) < names.index(later), "%s before %s: %s", earlier, later, names)
        held.stop()
        held.start()
        check([event["event"] for event in held.events()][:len(names)] == names, "after a restart")
        revision = held.get("/v1/apps/lab")["revision"]
        held.good("DELETE", "/v1/apps/lab")
        changed = held.get("/v1/apps/lab?after=%d" % revision)
        check(changed["revision"] > revision, "the change was waited for: %s", json.dumps(changed)[:300])
        metrics = held.good("GET", "/metrics").body.decode()
        check('isomer_devices{state="up"}' in metrics, "metrics: %s", metrics)
