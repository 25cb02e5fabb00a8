"""Applications over several devices: deployed, called, changed, moved, rolled back, removed."""

import json

from fleet import check, site, until

LINK = "test:probe/calc@1.0.0"


def manifest(probe=None, caller=None, **more):
    """A caller on one device, linked to a counting service on another."""
    return {"app": "lab", "components": {
        "caller": {"package": "file:caller", **({"place": {"device": "hall"}} if caller is None else caller)},
        "probe": {"package": "file:probe", "mode": "service",
                  **({"place": {"device": "den"}} if probe is None else probe)}}, **more}


def files(guests):
    return {"caller": guests.bytes("caller"), "probe": guests.bytes("probe")}


def test_deploys_over_two_devices(programs, guests):
    """From nothing to an application over two devices whose components call each other; removed again."""
    with site(programs, "hall", "den") as (held, devices):
        status = held.deploy(manifest(), files(guests))
        check(status["state"] == "running" and status["generation"] == 1, "status: %s", status)
        check(held.where("lab", "caller") == "hall" and held.where("lab", "probe") == "den", "places: %s", status)
        check(held.value("lab/caller", "twice", {"value": 21}) == 42, "a call through the link")
        check(held.value("lab/probe", "count-up", {"by": 5}) == 5, "a call of the service")
        for name, component in (("hall", "caller"), ("den", "probe")):
            on_it = devices[name].get("/v1/deployments/lab")["components"]
            check(list(on_it) == [component] and on_it[component]["state"] == "running", "%s: %s", name, on_it)
        number = held.good("DELETE", "/v1/apps/lab").json()["generation"]
        held.await_end("lab", number)
        for device in devices.values():
            check(device.request("GET", "/v1/deployments/lab").status == 404, "it is gone from %s", device.name)
        check(held.call("lab/probe", "get-count").status == 404, "it can no longer be called")


def test_a_change_keeps_what_it_does_not_change(programs, guests):
    """The second generation changes one component; the other keeps its state. The third is equal: nothing is
    done. Rolling back brings the first one's configuration again."""
    with site(programs, "hall", "den") as (held, _):
        held.deploy(manifest(), files(guests))
        held.value("lab/probe", "count-up", {"by": 7})
        changed = manifest(caller={"place": {"device": "hall"}, "config": {"colour": "red"}})
        check(held.deploy(changed, files(guests))["generation"] == 2, "a second generation")
        check(held.value("lab/probe", "get-count") == 7, "the service has kept its count")
        check(held.value("lab/caller", "twice", {"value": 4}) == 8, "the link holds")
        check(held.start_deploy(changed, files(guests)) == 2, "nothing would change")
        number = held.good("POST", "/v1/apps/lab/rollback", {}).json()["generation"]
        check(number == 3 and held.await_end("lab", 3)["state"] == "committed", "rolled back")
        text = json.loads(held.generation("lab", 3)["manifest"])
        check("config" not in text["components"]["caller"], "the first one's manifest: %s", text)
        check(held.value("lab/probe", "get-count") == 7, "and still the count")


def test_moves_a_service(programs, guests):
    """A service moves with its state; who calls it through a link or through the orchestrator notices nothing."""
    with site(programs, "hall", "den", "attic") as (held, _):
        held.deploy(manifest(), files(guests))
        held.value("lab/probe", "count-up", {"by": 3})
        moved = held.move("lab", "probe", "attic")
        check(held.where("lab", "probe") == "attic", "it is there: %s", moved)
        check(moved["moves"][0]["downtime-ms"] > 0, "downtime: %s", moved["moves"])
        why = next(item["why"] for item in moved["plan"]["components"] if item["name"] == "probe")
        check("it was moved here by hand" in why, "the plan says why: %s", why)
        check(held.value("lab/probe", "count-up", {"by": 1}) == 4, "with its count")
        until("the caller's link leads there", lambda: held.call("lab/caller", "twice", {"value": 2}).status == 200)
        held.move("lab", "probe", "den")
        check(held.value("lab/probe", "get-count") == 4, "and back")


def test_a_move_makes_room(programs, guests):
    """Two components that must be apart: one moves to where the other is, which gives way."""
    with site(programs, "hall", "den") as (held, _):
        apart = manifest(probe={}, caller={"place": {"apart": "probe"}})
        held.deploy(apart, files(guests))
        home = held.where("lab", "probe")
        held.move("lab", "probe", "den" if home == "hall" else "hall")
        check(held.where("lab", "caller") == home, "the other one: %s", held.get("/v1/apps/lab"))
        check(held.value("lab/caller", "twice", {"value": 5}) == 10, "the link")


def test_mistakes_are_told_with_their_place(programs, guests):
    """What is wrong in a manifest is told before anything happens, and what can only be found later ends the
    generation."""
    with site(programs, "hall") as (held, _):
        wrong = '{\n  "app": "lab",\n  "components": {\n    "probe": { "package": "file:probe", "mod": "service" }\n  }\n}'
        answer = held.request("PUT", "/v1/apps/lab", {"manifest": wrong})
        mistake = answer.json()["mistakes"][0]
        check(answer.status == 422 and (mistake["line"], mistake["column"]) == (4, 41), "mistake: %s", answer)
        check("mode" in mistake["text"], "what would be right: %s", mistake)
        unused = manifest(caller={})
        unused["components"]["idle"] = {"package": "file:probe"}
        unused["links"] = {"caller." + LINK: "probe"}
        told = held.good("POST", "/v1/check", held.body(unused, files(guests))).json()["mistakes"]
        check([item["severity"] for item in told] == ["warning"] and "idle" in told[0]["pointer"], "unused: %s", told)
        nowhere = manifest(probe={"place": {"label": "room=moon"}})
        number = held.start_deploy(nowhere, files(guests))
        ended = held.await_end("lab", number)
        check(ended["state"] == "failed" and "room=moon" in ended["error"], "no device fits: %s", ended["error"])
        check(held.get("/v1/apps/lab")["state"] == "failed", "nothing runs")
        probe = next(item for item in ended["plan"]["components"] if item["name"] == "probe")
        check(not ended["plan"]["feasible"] and ended["plan"]["conflict"]["components"] == ["probe"] and
              {(no["device-name"], no["reason"]) for no in probe["not"]} ==
              {("hall", "label-missing")}, "its plan: %s", ended["plan"])
        again = {"manifest": ended["manifest"], "files": ended["files"]}
        check(held.good("POST", "/v1/plan", again).json()["conflict"] == ended["plan"]["conflict"], "planned again")
        held.good("PATCH", "/v1/devices/hall", {"labels": {"room": "moon"}})
        plan = held.good("POST", "/v1/plan", again).json()
        check(plan["feasible"], "planned when there is a place: %s", plan)
        wrong = manifest(probe={"package": "file:nowhere"})
        ended = held.await_end("lab", held.start_deploy(wrong, files(guests)))
        check(ended["plan"] is None and set(ended["files"]) == {"file:probe", "file:caller"}, "not planned: %s", ended)
        answer = held.request("POST", "/v1/plan", {"manifest": ended["manifest"], "files": ended["files"]})
        check(answer.status == 422 and [item["pointer"] for item in answer.json()["mistakes"]] ==
              ["/components/probe/package"], "what is missing: %s", answer)


def test_plans_say_why(programs, guests):
    """The plan has a device for each component, and for every other device a reason."""
    with site(programs, "hall", "den", options={"den": ["--label", "room=den"]}) as (held, _):
        body = held.body(manifest(probe={"place": {"label": "room=den"}}), files(guests))
        plan = held.good("POST", "/v1/plan", body).json()
        probe = next(item for item in plan["components"] if item["name"] == "probe")
        check(probe["device-name"] == "den" and probe["why"], "chosen: %s", probe)
        check(any(no["device-name"] == "hall" and "room" in no["why"] for no in probe["not"]), "not: %s", probe)
        check(held.get("/v1/apps") == [], "nothing was deployed")
