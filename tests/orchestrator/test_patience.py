"""What takes minutes to show: in the full set only."""

from fleet import check
from test_apps import files, manifest
from test_faults import between, plain, probe, settle


def test_a_device_that_never_answers(programs, guests):
    """It holds its own application only, for a bounded time, and says which device it was."""
    with between(programs) as (held, _, den, proxy):
        held.deploy(plain("quiet", "hall"), probe(guests))
        proxy.rule("POST .*/prepare", "never")
        accepted = held.start_deploy(manifest(), files(guests))
        check(held.deploy(plain("second", "hall"), probe(guests))["state"] == "running", "others go on")
        ended = held.await_end("lab", accepted, 90)
        check(ended["state"] in ("failed", "superseded") and "den" in ended["error"], "it ends: %s: %s",
              ended["state"], ended["error"])
        check(den.request("GET", "/v1/deployments/lab").status == 404, "nothing half-done is there")
        proxy.clear()
        settle(held, 90) # without help
