#!/usr/bin/env python3
"""The main job of Isomer: the video of a poor camera, upscaled on the device that has the power for it,
shown on a third one. Three devices find each other; nothing about them stands in the application.

usage: video.py --build FOLDER [--check] [--seconds N] [--video FILE|/dev/videoN|ADDRESS]

Without --build the other arguments are looked at and nothing is done.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

import clip
from video_site import ROOT, Failure, Skip, demo
from video_watch import Watcher, compare, figures

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from registry import Registry  # noqa: E402  pylint: disable=wrong-import-position

APP = "upscaled-video"
EXAMPLE = os.path.join("examples", APP)
FRAMES, LATENCY, PSNR, RESUMED = 8.0, 500.0, 35.0, 10.0


class Results:
    """What was to be shown, and whether it was."""

    def __init__(self):
        self.counts = {"ok": 0, "FAIL": 0}

    def check(self, right, text, *values):
        word = "ok" if right else "FAIL"
        self.counts[word] += 1
        print("%-5s %s" % (word, text % values), flush=True)


def say(text):
    print("\n%s" % text, flush=True)


def deploy(it, registry):
    """Two modules go along with the manifest, one is npm's, one is in a registry."""
    it.isomer("registry", "add", "lab", registry.url, "--plain-http")
    it.isomer("package", "push", EXAMPLE + "/screen.wasm", "screen@1.0.0")
    it.isomer("package", "push", "screen@1.0.0", "oci:lab/screen:1.0")
    print("   " + it.isomer("deploy", EXAMPLE).replace("\n", "\n   ").rstrip())
    print("   " + it.isomer("ps", APP).replace("\n", "\n   ").rstrip())


def plan_again(it):
    """What a module costs is known when it has run."""
    say("Planned again, now that it is known what the modules cost")
    time.sleep(5)
    print("   " + it.isomer("deploy", EXAMPLE, "--force").replace("\n", "\n   ").rstrip())
    print("   " + it.isomer("plan", EXAMPLE).replace("\n", "\n   ").rstrip())


def tell_steps(it):
    """What each step takes, as the system says it."""
    say("Per step (GET /v1/flows/%s; work: GET /v1/components/%s/...)" % (APP, APP))
    print("   %-8s %-7s %8s %7s %8s %8s %9s %10s %9s %9s" % (
        "step", "device", "executed", "dropped", "p50 ms", "p90 ms", "bytes", "Minstr", "cpu ms", "calls/s"))
    names = {device["id"]: device["name"] for device in it.site.get("/v1/devices")["devices"]}
    for flow in it.site.get("/v1/flows/" + APP)["flows"]:
        for step in flow["steps"]:
            work = it.site.get("/v1/components/%s/%s" % (APP, step["component"])).get("work", {})
            print("   %-8s %-7s %8d %7d %8.0f %8.0f %9d %10.2f %9.1f %9.1f" % (
                step["component"], names.get(step["device"], "?"), step["executed"], step["dropped"],
                step["latency"]["p50-us"] / 1000, step["latency"]["p90-us"] / 1000,
                step["bytes-out"] / max(1, step["executed"]), work.get("fuel-per-call", 0) / 1e6,
                work.get("cpu-ms-per-call", 0), step["rate"]))


def scaler_device(it):
    return it.site.where(APP, "scaler")


def watch_move(it, watcher, to, results):
    """`isomer move` while frames flow."""
    say("The scaler moves while frames flow")
    start = time.time()
    it.isomer("move", APP + "/scaler", to)
    time.sleep(4)
    shown = watcher.since(start)
    gap = max((b[0] - a[0] for a, b in zip(shown, shown[1:])), default=99.0)
    results.check(scaler_device(it) == to and figures(shown, 1)[3] == [] and len(shown) > 4,
                  "it runs on %s; %d pictures meanwhile, in order, at most %.2f s apart", to, len(shown), gap)


def watch_loss(it, watcher, results):
    """The scaler's device is killed."""
    name = scaler_device(it)
    say("%s, the scaler's device, is killed" % name)
    it.devices[name].kill()
    start = time.time()
    placed = resumed = None
    while resumed is None and time.time() < start + RESUMED + 10:
        time.sleep(0.1)
        if placed is None and scaler_device(it) != name:
            placed = time.time()
        elif placed is not None:
            resumed = next((seen for seen, _, taken, _ in watcher.since(placed) if taken > start), None)
    results.check(resumed is not None and resumed - start <= RESUMED, "the picture is back after %s, the scaler on %s",
                  "%.1f s" % (resumed - start) if resumed else "more than %d s" % (RESUMED + 10), scaler_device(it))
    if resumed is None:
        print("   " + it.isomer("events").replace("\n", "\n   "))
        print(it.isomer("describe", APP))


def check_all(it, film, seconds):
    """Measures for some seconds; the status."""
    results = Results()
    watcher = Watcher(it.site, "/displays/lobby/wall/stream")
    watcher.start()
    time.sleep(3)  # all have warmed up
    say("Watching for %d s" % seconds)
    start = time.time()
    time.sleep(seconds)
    shown = watcher.since(start)
    rate, median, most, wrong = figures(shown, seconds)
    tell_steps(it)
    say("What was to be shown")
    results.check(rate >= FRAMES, "%.1f frames/s (at least %g)", rate, FRAMES)
    results.check(0 < median <= LATENCY, "camera to screen %.0f ms in the median (at most %g), %.0f for 95 %%", median,
                  LATENCY, most)
    results.check(shown and not wrong, "%d frames, none twice or out of order%s", len(shown),
                  ": %s" % wrong[:5] if wrong else "")
    values = compare(shown, film) if shown else []
    least = min((value for _, value in values), default=0.0)
    results.check(values and all(value >= PSNR for _, value in values),  # of no number min() says nothing
                  "PSNR of %d samples with the reference: %.1f dB at least (%g)", len(values), least, PSNR)
    fast = scaler_device(it)
    results.check(fast == "server", "the planner put the scaler on %s, the fastest", fast)
    watch_move(it, watcher, "hall", results)
    watch_move(it, watcher, "server", results)
    watch_loss(it, watcher, results)
    watcher.stop()
    print("%d passed, %d failed, 0 skipped" % (results.counts["ok"], results.counts["FAIL"]))
    return 1 if results.counts["FAIL"] else 0


def stay(it):
    say("The page: %s" % it.isomer("login", tell=False).strip())
    print("In another terminal, for example:\n"
          "   export PATH=%s:$PATH ISOMER_ORCHESTRATOR=%s\n"
          "   isomer describe %s\n"
          "   isomer move %s/scaler lobby\n"
          "   isomer login                        # another address of the page: each is good once\n"
          "Ctrl-C ends it." % (os.path.dirname(it.programs["isomer"]), it.site.state, APP, APP), flush=True)
    while True:
        signal.pause()


def end(number, _frame):
    """Everything is taken down, once: whoever is impatient does not interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    print("\ndemo: ends, and takes all down", flush=True)
    sys.exit(128 + number)


@contextlib.contextmanager
def alone():
    """The folder of the demo, empty. Two demos would be in each other's way."""
    folder = os.path.join(ROOT, "build", "demo")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("demo: it runs already, from this folder; end that one first")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        yield folder


def parse():
    parser = argparse.ArgumentParser(prog="./dev demo", add_help=False, allow_abbrev=False)
    parser.add_argument("--build", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seconds", type=int, default=20, metavar="N")
    parser.add_argument("--video", metavar="FILE|/dev/videoN|ADDRESS")
    options = parser.parse_args()
    if not 5 <= options.seconds <= 3600:
        parser.error("--seconds %d: 5 to 3600 would be right" % options.seconds)
    if options.video is not None:
        clip.look(options.video)
        if options.check and clip.is_live(options.video):
            sys.exit("demo: --check compares what is shown with the film; %s is live, and is never the same twice"
                     % options.video)
    return options


def run_group(command, folder):
    """Runs a command that starts others; when the demo ends meanwhile, they all do. Its status."""
    temporary = os.path.join(folder, "tmp")
    os.makedirs(temporary, exist_ok=True)
    with subprocess.Popen(command, start_new_session=True, env={**os.environ, "TMPDIR": temporary}) as process:
        try:
            return process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        finally:
            process.wait()
            shutil.rmtree(temporary, ignore_errors=True)


def build_modules(build, folder):
    say("The modules of %s" % EXAMPLE)
    compiler = [sys.executable, "tests/programs/run.py", "--fetch"]  # of AssemblyScript
    for command in (compiler, ["examples/build.sh", APP, os.path.join(build, "isomer")]):
        if run_group(command, folder) != 0:
            sys.exit("demo: the modules could not be built")


def run(options, video, folder):
    film = None if video and clip.is_live(video) else clip.poor(video or clip.cockatoo(), folder)
    say("The devices")
    with demo(options.build, folder) as it, Registry() as registry:
        it.start(clip.camera(film) if film else clip.live_camera(video), outside=film is None)
        say("The application")
        deploy(it, registry)
        plan_again(it)
        return check_all(it, film, options.seconds) if options.check else stay(it)


def main():
    os.chdir(os.environ.get("CALLED_FROM", "."))
    options = parse()
    if options.build is None:
        return 0
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, end)
    video = options.video
    if video and not clip.is_live(video):
        video = os.path.abspath(video)
    os.chdir(ROOT)
    try:
        with alone() as folder:
            build_modules(options.build, folder)
            return run(options, video, folder)
    except (Failure, Skip) as failure:
        sys.exit("demo: %s" % failure)


if __name__ == "__main__":
    sys.exit(main())
