"""What is simulated on a device, looked at and set over HTTP and by the command."""

import json
import os
import subprocess

from device import Device, check

CONFIG = {"devices": {"sensors": False,
                      "simulated-sensors": {"air/temp": {"unit": "\u00b0C", "value": 21.5}, "tank": {"file": "./tank"}},
                      "gpio": {"lamp": {"direction": "output"}, "door": {"direction": "input"}}}}


def test_what_is_simulated_is_set_from_outside(programs, guests):
    """The device's API: all with their values; some are set, or nothing when there is a mistake. The command does
    the same. A file is seen from the configuration's folder."""
    del guests
    device = Device(programs)
    config = os.path.join(device.state, "config.json")
    for name, text in ((config, json.dumps(CONFIG)), (os.path.join(device.state, "tank"), "7")):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    device.options += ["--config", config]
    with device:
        check(device.get("/v1/simulated") == {"sensor": {"air/temp": 21.5, "tank": None},
                                              "gpio": {"lamp": False, "door": False}}, "at first")
        device.good("POST", "/v1/simulated", {"sensor": {"air/temp": -3}, "gpio": {"door": True}})
        wanted = {"sensor": {"air/temp": -3, "tank": None}, "gpio": {"lamp": False, "door": True}}
        for body, status, word in (({"sensor": {"air/temp": 1, "x": 1}}, 404, "no sensor 'x'"),
                                   ({"sensor": {"air/temp": 1}, "gpio": {"lamp": True}}, 400, "components drive it"),
                                   ({"sensor": {"tank": 1}}, 400, os.path.join(device.state, "./tank")),
                                   ({"sensor": {"air/temp": "1"}}, 400, "a number"), ([], 400, "object")):
            answer = device.request("POST", "/v1/simulated", body)
            check(answer.status == status and word in answer.json()["detail"], "%s: %s", body, answer)
        check(device.get("/v1/simulated") == wanted, "mistakes change nothing")

        def command(*arguments):
            return subprocess.run([programs["client"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
                                   device.token, "simulate", *arguments], capture_output=True, text=True, check=False)
        check(command("air/temp=31.25", "door=false").returncode == 0, "set")
        check("31.25" in command().stdout and "from a file" in command().stdout, "%s", command())
        wrong = command("air/temp")
        check(wrong.returncode == 64 and "NAME=NUMBER" in wrong.stderr, "%s", wrong)
        check(device.get("/v1/simulated")["sensor"]["air/temp"] == 31.25, "by the command")
