"""Calls: what comes back, and what is refused."""

import contextlib
import http.client
import json
import os
import threading
import time

from device import GRANTS, Device, check, document, to_base64, until


@contextlib.contextmanager
def start(programs, guests, mode="function", limits=None, **options):
    """A device with the component test/probe."""
    with Device(programs, **options) as device:
        module = device.put_module(guests.bytes("probe"))
        members = {"mode": mode, "grants": GRANTS, "config": {"colour": "green"}}
        if limits:
            members["limits"] = limits
        device.deploy(document("test", {"probe": (module, members)}))
        yield device


def test_values_in_and_out(programs, guests):
    """JSON, CBOR and bytes go in and come out; errors of functions and traps are told."""
    with start(programs, guests) as device:
        check(device.value("test/probe", "add", {"a": 2, "b": 40}) == 42, "add")
        check(device.value("test/probe", "add", [2, -40]) == -38, "arguments in order")
        data = os.urandom(100000)
        echoed = device.call("test/probe", "echo", data,
                             headers={"Content-Type": "application/octet-stream",
                                      "Accept": "application/octet-stream"})
        check(echoed.status == 200 and echoed.body == data, "bytes")
        check(device.value("test/probe", "echo", {"data": to_base64(b"abc")}) == to_base64(b"abc"), "base64")
        cbor = device.call("test/probe", "add", b"\xa2\x61a\x18\x64\x61b\x01",
                           headers={"Content-Type": "application/cbor", "Accept": "application/cbor"})
        check(cbor.status == 200 and cbor.body == b"\x18\x65", "CBOR: %s", cbor)
        check(device.value("test/probe", "decide", {"good": True, "text": "yes"}) == "yes", "ok")
        answer = device.call("test/probe", "decide", {"good": False, "text": "no"})
        check(answer.status == 422 and answer.json()["error"] == "no", "error: %s", answer)
        answer = device.call("test/probe", "trap")
        check(answer.status == 500 and answer.json()["detail"] == "unreachable", "trap: %s", answer)
        trap = answer.json()["trap"]
        check((trap["component"], trap["function"], trap["message"], trap["left-out"])
              == ("test/probe", "trap", "unreachable", 0), "what trapped: %s", trap)
        check(trap["backtrace"] and all(frame["offset"] > 0 and frame["index"] >= 0 for frame in trap["backtrace"]),
              "where: %s", trap)
        check(device.value("test/probe", "setting", {"key": "colour"}) == "green", "config")
        check(device.value("test/probe", "setting", {"key": "size"}) is None, "config that was not given")
        check(device.call("test/probe", "say", {"text": "hello"}).status == 204, "no result")


def test_wrong_calls(programs, guests):
    """Each mistake is answered with what it is; nothing runs."""
    with start(programs, guests, mode="service") as device:
        def refused(status, part, path, body=b"", headers=None, method="POST"):
            answer = device.request(method, path, body, headers=headers or {"Content-Type": "application/json"})
            check(answer.status == status and part in answer.body.decode("utf-8", "replace"),
                  "%s %r: %d with %r expected, got %s", path, body, status, part, answer)
        base = "/v1/components/test/probe/"
        json_type = {"Content-Type": "application/json"}
        refused(400, "b", base + "add", b'{"a": 1}')
        refused(400, "c", base + "add", b'{"a": 1, "b": 2, "c": 3}')
        refused(400, "a", base + "add", b'{"a": "x", "b": 2}')
        refused(400, "a", base + "add", b'{"a": 2147483648, "b": 2}')
        refused(400, "a", base + "add", b'{"a": 1.5, "b": 2}')
        refused(400, "", base + "add", b'{"a": 1, "b": 2')
        refused(400, "", base + "add", b"")
        refused(400, "", base + "add", b"[1]")
        refused(400, "", base + "add", b"[1, 2, 3]")
        refused(400, "a", base + "add", b'{"a": 1, "a": 2, "b": 2}')
        refused(400, "data", base + "echo", b'{"data": "no base64!"}')
        refused(400, "text", base + "decide", b'{"good": true, "text": "\xff"}')
        refused(400, "good", base + "decide", b'{"good": 1, "text": "x"}')
        refused(400, "", base + "add", b"[" * 10000)
        refused(415, "Content-Type", base + "add", b"{}", headers={"X": "y"})
        refused(415, "application", base + "add", b"{}", headers={"Content-Type": "text/plain"})
        refused(400, "", base + "add", b"12345678", headers={"Content-Type": "application/octet-stream"})
        refused(400, "", base + "add", b"\xa1", headers={"Content-Type": "application/cbor"})
        refused(404, "there are", base + "subtract", b"{}")
        refused(404, "no component", "/v1/components/test/other/add", b"{}")
        refused(404, "no component", "/v1/components/other/probe/add", b"{}")
        refused(405, "", base + "add", method="PUT", body=b"{}", headers=json_type)
        refused(404, "property", base + "properties/size", method="GET")
        refused(404, "", "/v1/nothing", method="GET")
        check(device.value("test/probe", "get-count") == 0, "the instance is as it was")
        check(device.status("test/probe")["calls"]["bad-arguments"] >= 15, "they are counted")


def test_services_keep_their_state(programs, guests):
    """A service has one instance; after a trap it is made anew; functions never keep anything."""
    with start(programs, guests, mode="service") as device:
        for i in range(1, 6):
            check(device.value("test/probe", "count-up", {"by": 2}) == 2 * i, "count")
        answer = device.good("GET", "/v1/components/test/probe/properties/count")
        check(answer.json() == 10, "property")
        check(device.call("test/probe", "trap").status == 500, "trap")
        until("the service is back", lambda: device.call("test/probe", "get-count").status == 200)
        check(device.value("test/probe", "get-count") == 0, "a new instance")
        check(device.status("test/probe")["restarts"] == 1, "counted")
        check("unreachable" in device.status("test/probe")["last-error"], "told")
    with start(programs, guests) as device:
        for _ in range(3):
            check(device.value("test/probe", "count-up", {"by": 2}) == 2, "fresh each time")


def test_limits_end_calls(programs, guests):
    """Time, instructions, memory, queue: each limit says which it was, and the component goes on."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("probe"))

        def limit(generation, **limits):
            device.deploy(document("test", {"probe": (module, {"grants": GRANTS, "epoch": generation, "limits": limits})},
                                   generation, drain="0s"))
        limit(1, time="300ms")
        answer = device.call("test/probe", "spin")
        check(answer.status == 503 and "time" in answer.json()["detail"], "time: %s", answer)
        limit(2, fuel=1000000, time="1min")
        answer = device.call("test/probe", "spin")
        check(answer.status == 503 and "fuel" in answer.json()["detail"], "fuel: %s", answer)
        limit(3, memory="4MiB", time="1min", **{"log-rate": 10})
        check(device.value("test/probe", "grow") <= 64, "memory")
        check(device.call("test/probe", "flood", {"lines": 1000}).status == 204, "flood")
        check(device.status("test/probe")["log-lines-dropped"] >= 900, "log lines")
        limit(4, time="10min", queue=2, instances=1)
        statuses = []

        def spin():
            statuses.append(device.call("test/probe", "spin").status)
        threads = [threading.Thread(target=spin) for _ in range(3)]
        for thread in threads:
            thread.start()
        until("one runs and two wait", lambda: device.status("test/probe")["queued"] == 2)
        for _ in range(3):
            check(device.call("test/probe", "spin").status == 429, "the queue is full")
        limit(5, time="1min")  # which does not wait for those that spin
        for thread in threads:
            thread.join()
        check(statuses == [503] * 3, "they ended: %r", statuses)
        check(device.value("test/probe", "add", {"a": 1, "b": 1}) == 2, "it goes on")


def test_repeated_calls_are_answered_once(programs, guests):
    """With an Idempotency-Key a call is executed once, also when it is repeated while under way."""
    with start(programs, guests, mode="service") as device:
        key = {"Idempotency-Key": "abc", "Content-Type": "application/json"}
        for _ in range(5):
            answer = device.call("test/probe", "count-up", b'{"by": 3}', headers=key)
            check(answer.status == 200 and answer.json() == 3, "the first answer: %s", answer)
        other = device.call("test/probe", "count-up", b'{"by": 4}', headers=key)
        check(other.json() == 7, "other arguments are another call: %s", other)
        answers = []

        def pause():
            answers.append(device.call("test/probe", "pause", b'{"milliseconds": 300}',
                                       headers={"Idempotency-Key": "p", "Content-Type": "application/json"}))
        before = device.status("test/probe")["calls"]["total"]
        threads = [threading.Thread(target=pause) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check([a.status for a in answers] == [204] * 4, "all are answered")
        check(device.status("test/probe")["calls"]["total"] == before + 1, "one was executed")


def test_waiting_costs_no_thread(programs, guests):
    """With one worker, many calls sleep at the same time and others are answered meanwhile."""
    with start(programs, guests, limits={"instances": 64, "time": "20s"}, options=["--workers", "1"]) as device:
        done = []

        def pause():
            done.append(device.call("test/probe", "pause", {"milliseconds": 1000}).status)
        threads = [threading.Thread(target=pause) for _ in range(40)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        check(device.value("test/probe", "add", {"a": 1, "b": 2}) == 3, "answered meanwhile")
        for thread in threads:
            thread.join()
        check(done == [204] * 40, "all slept")
        check(time.monotonic() - began < 20, "at the same time")


def test_links_on_one_device(programs, guests):
    """A component's import is another component: direct calls, also of many bytes; a missing link is
    named when deploying."""
    with Device(programs) as device:
        probe, caller = (device.put_module(guests.bytes(name)) for name in ("probe", "caller"))
        wrong = document("test", {"caller": (caller, {})})
        answer = device.request("PUT", "/v1/deployments/test", wrong)
        check(answer.status == 422 and "test:probe/calc" in answer.json()["detail"], "missing: %s", answer)
        links = {"test:probe/calc@1.0.0": {"component": "probe"}}
        right = document("test", {"caller": (caller, {"links": links}),
                                  "probe": (probe, {"grants": GRANTS, "mode": "service"})})
        device.deploy(right)
        check(device.value("test/caller", "twice", {"value": 21}) == 42, "twice")
        check(device.value("test/caller", "many", {"times": 1000}) == 1000, "many")
        data = os.urandom(1 << 20)
        answer = device.call("test/caller", "pass", data, headers={"Content-Type": "application/octet-stream",
                                                                   "Accept": "application/octet-stream"})
        check(answer.status == 200 and answer.body == data, "bytes")


def test_figures_for_planning(programs, guests):
    """A component's status has what a call of it takes, and what goes through its links on this device."""
    with Device(programs) as device:
        caller, probe = device.put_module(guests.bytes("caller")), device.put_module(guests.bytes("probe"))
        device.deploy(document("test", {
            "caller": (caller, {"links": {"test:probe/calc@1.0.0": {"component": "probe"}}}),
            "probe": (probe, {"grants": GRANTS, "mode": "service"})}))
        status = device.status("test/probe")
        check(status["work"] == {"calls": 0, "fuel-per-call": 0, "cpu-ms-per-call": 0}, "%s", status)
        device.value("test/probe", "work", {"rounds": 1000})
        small = device.status("test/probe")["work"]
        check(small["calls"] == 1 and small["fuel-per-call"] >= 1000, "%s", small)
        device.value("test/probe", "work", {"rounds": 1000000})
        large = device.status("test/probe")["work"]
        check(large["calls"] == 2 and large["fuel-per-call"] > 100 * small["fuel-per-call"] and
              large["cpu-ms-per-call"] > 0, "%s, then %s", small, large)
        check(device.call("test/probe", "work", {"rounds": "many"}).status == 400, "not executed")
        check(device.status("test/probe")["work"]["calls"] == 2, "what did not run does not count")
        data = b"x" * 1000
        for _ in range(100):
            answer = device.call("test/caller", "pass", data, headers={"Content-Type": "application/octet-stream"})
            check(answer.status == 200, "%s", answer)
        device.value("test/caller", "many", {"times": 28})
        links = device.status("test/caller")["links"]
        check([(link["interface"], link["component"]) for link in links] == [("test:probe/calc@1.0.0", "probe")],
              "%s", links)
        link = links[0]
        check(link["calls"] == 128, "%s", link)
        check(128 * 1000 <= link["bytes-out"] <= 128 * 1100 and 128 * 1000 <= link["bytes-in"] <= 128 * 1100,
              "two of 128 are weighed, both of 1,000 bytes and what is around them: %s", link)
        check(device.status("test/probe")["links"] == [], "it has none")
        everything = device.get("/v1/components")
        check([(one["app"], one["component"]) for one in everything] == [("test", "caller"), ("test", "probe")] and
              everything[0]["links"] == links, "%s", everything)


def read_event(stream):
    """The data of the next event."""
    while True:
        line = stream.readline()
        if line.startswith(b"data: "):
            return json.loads(line[6:])


def stream_of(device, path):
    connection = http.client.HTTPConnection("127.0.0.1", device.ports["http"], timeout=60)
    connection.request("GET", path, headers={"Accept": "text/event-stream",
                                             "Authorization": "Bearer " + device.token})
    answer = connection.getresponse()
    check(answer.status == 200, "%s: %d", path, answer.status)
    return answer


def test_logs_events_and_properties_as_they_happen(programs, guests):
    """Event streams tell log lines, emitted events, changes of properties and of the device."""
    with start(programs, guests, mode="service") as device:
        base = "/v1/components/test/probe"
        logs, events = stream_of(device, base + "/logs"), stream_of(device, base + "/events")
        count, changes = stream_of(device, base + "/properties/count"), stream_of(device, "/v1/events")
        check(read_event(count) == 0, "the present value")
        device.value("test/probe", "say", {"text": "good <morning>"})
        check(read_event(logs)["message"] == "good <morning>", "log")
        check(device.value("test/probe", "emit", {"name": "alarm", "payload": '{"level": 3}'}) is True, "emit")
        event = read_event(events)
        check(event["name"] == "alarm" and event["payload"] == {"level": 3}, "event: %r", event)
        check(device.value("test/probe", "emit", {"name": "alarm", "payload": "{no json"}) is False, "no JSON")
        device.value("test/probe", "count-up", {"by": 7})
        check(read_event(count) == 7, "the new value")
        device.good("DELETE", "/v1/deployments/test")
        seen = []
        until("its end is told", lambda: (seen.append(read_event(changes)["event"]) or "removed" in seen))
        lines = device.request("GET", "/v1/events").json()
        check(any(line.get("event") == "committed" for line in lines), "kept: %r", lines)


def test_numbers_of_lines_go_on(programs, guests):
    """Who comes again after a restart with the number of the last line that it has seen gets all lines since then
    that the device still has, and none twice."""
    with start(programs, guests, mode="service") as device:
        path = "/v1/components/test/probe/logs"

        def said(after=None):
            headers = {"Last-Event-ID": str(after)} if after is not None else {}
            lines = device.request("GET", path + "?tail=1000", headers=headers).json()
            return [line["message"] for line in lines if line["message"].startswith("line ")]

        def seen():
            """The number of the latest line."""
            stream = stream_of(device, path + "?tail=1")
            while True:
                line = stream.readline()
                if line.startswith(b"id: "):
                    return int(line[4:])
        device.value("test/probe", "say", {"text": "line 1"})
        last = seen()
        device.value("test/probe", "say", {"text": "line 2"})
        check(said() == ["line 1", "line 2"] and said(last) == ["line 2"], "in one life: %s", said(last))
        device.kill()
        device.start()
        until("it runs", lambda: device.call("test/probe", "get-count").status == 200)
        for text in ("line 3", "line 4", "line 5"):
            device.value("test/probe", "say", {"text": text})
        check(said(last)[-3:] == ["line 3", "line 4", "line 5"] and "line 1" not in said(last), "in the next: %s", said(last))
        check(seen() > last, "numbers: %d, then %d", last, seen())


def test_programs_are_components(programs, guests):
    """A WASI program is a component with the function run; its directories are those it was granted."""
    with Device(programs) as device:
        module = device.put_module(guests.bytes("hostile"))
        device.deploy(document("test", {"program": (module, {})}))
        answer = device.value("test/program", "run", {"args": [], "env": [], "stdin": ""})
        check(answer["status"] == 0 and answer["stdout"] == to_base64(b"hello from a program\n"), "%r", answer)


def test_descriptions_validate(programs, guests):
    """The documents that describe the device and its components are of the form that they claim."""
    with start(programs, guests) as device:
        thing = device.request("GET", "/.well-known/wot", token=False).json()
        check(thing["title"] == "device" and any(link["rel"] == "item" for link in thing["links"]), "%r", thing)
        component = device.request("GET", "/v1/components/test/probe/td", token=False).json()
        check("count-up" in component["actions"] and "count" in component["properties"], "actions")
        api = device.request("GET", "/openapi.json", token=False).json()
        check("/v1/components/{app}/{component}/{function}" in api["paths"], "paths")
        metrics = device.good("GET", "/metrics").body.decode()
        check('isomer_component_calls_total{app="test",component="probe",outcome="done"}' in metrics, "metrics")
        check(device.request("GET", "/health", token=False).json()["status"] == "ok", "health")
        page = device.request("GET", "/", token=False)
        check(page.status == 200 and b"/static/page.js" in page.body, "page")
