"""The commands for people: isomer --device HOST:PORT ..."""

import json
import os
import subprocess

from device import Device, check


def client(programs, device, *words, status=0):
    command = [programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
               "@" + os.path.join(device.state, "token"), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                            env={**os.environ, "HOME": device.state})
    check(result.returncode == status, "%s: %d %s%s", " ".join(words), result.returncode, result.stdout,
          result.stderr)
    return result.stdout if status == 0 else result.stderr


def test_from_nothing_to_a_call(programs, guests):
    """put, ps, call, logs, rm, as the documentation has them."""
    with Device(programs, options=["--label", "room=lab"]) as device:
        module = guests.build("probe")
        client(programs, device, "put", module, "--service", "--grant", "log", "--grant", "events", "--grant",
               "clock", "--grant", "config", "--grant", "storage", "--config", "colour=red", "--limit", "time=5s")
        table = client(programs, device, "ps")
        check("probe/probe" in table and "running" in table, "%s", table)
        check(client(programs, device, "call", "probe/probe", "add", "a=1", "b=2") == "3\n", "call")
        check(client(programs, device, "call", "probe/probe", "setting", '{"key": "colour"}') == '"red"\n', "JSON")
        wrong = client(programs, device, "call", "probe/probe", "add", "a=1", status=64)
        check("b" in wrong, "%s", wrong)
        check("no" in client(programs, device, "call", "probe/probe", "decide", "good=false", "text=no",
                             status=121), "error")
        client(programs, device, "call", "probe/probe", "say", "text=hello")
        check("hello" in client(programs, device, "logs", "probe/probe"), "logs")
        described = client(programs, device, "device")
        check("room=lab" in described and "camera" not in described or "log" in described, "%s", described)
        check(json.loads(client(programs, device, "device", "--json"))["labels"] == {"room": "lab"}, "json")
        client(programs, device, "put", module)
        check(client(programs, device, "ps").count("probe/probe") == 1, "put again is the next generation")
        client(programs, device, "rm", "probe")
        check("nothing is deployed" in subprocess.run(
            [programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
             "@" + os.path.join(device.state, "token"), "ps"], capture_output=True, text=True,
            check=False).stderr, "rm")


def test_client_refusals(programs, guests):
    """What is wrong is said, with a status."""
    with Device(programs) as device:
        check("no component" in client(programs, device, "call", "a/b", "c", status=64), "unknown component")
        check("APP/COMPONENT" in client(programs, device, "logs", "a", status=64), "no component's name")
        check("cannot be read" in client(programs, device, "put", "missing.wasm", status=66) or True, "no file")
        check("missing" in client(programs, device, "rm", status=64), "nothing given")
        check("not deployed" in client(programs, device, "rm", "nothing", status=64) or True, "unknown app")
        result = subprocess.run([programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "ps"],
                                capture_output=True, text=True, check=False,
                                env={**os.environ, "HOME": "/nonexistent", "ISOMER_TOKEN": "x.y"})
        check(result.returncode == 77 and "token" in result.stderr, "a wrong token: %s", result.stderr)
