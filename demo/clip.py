"""The film of the demo, or what `--video` names, and what a poor camera makes of it."""

import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, ".cache", "demo")
WIDTH, HEIGHT, RATE = 320, 180, 10
FILM_MAX_S = 60  # so much of a film is shown, over and over
PICTURE_WAIT_S = 20  # for the first one of an address or a camera
SMALL = "fps=%d,scale=%d:%d:force_original_aspect_ratio=decrease,pad=%d:%d:-1:-1" % (RATE, WIDTH, HEIGHT, WIDTH, HEIGHT)
POOR = ["-an", "-vf", SMALL, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "5"]


def quiet(*words, cwd=None):
    result = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit("demo: %s: %s" % (" ".join(words), result.stderr.strip()))
    return result.stdout


def cockatoo():
    """cockatoo.mp4 of Debian's python3-imageio, which is downloaded and unpacked, not installed."""
    film = os.path.join(CACHE, "cockatoo.mp4")
    if os.path.exists(film):
        return film
    os.makedirs(CACHE, exist_ok=True)
    download = ["apt-get", "download", "python3-imageio"]
    if subprocess.run(download, cwd=CACHE, capture_output=True, check=False).returncode != 0:
        quiet(*(["sudo"] if os.geteuid() != 0 else []), "apt-get", "update", "-q")  # no lists yet, or old ones
        quiet(*download, cwd=CACHE)
    package = glob.glob(os.path.join(CACHE, "python3-imageio_*.deb"))[0]
    unpacked = os.path.join(CACHE, "unpacked")
    quiet("dpkg-deb", "-x", package, unpacked)
    found = glob.glob(os.path.join(unpacked, "**", "cockatoo.mp4"), recursive=True)
    if not found:
        sys.exit("demo: %s has no cockatoo.mp4" % package)
    os.replace(found[0], film)
    shutil.rmtree(unpacked)
    return film


def is_live(source):
    """Whether its pictures come as they are taken; a film has an end."""
    return source.startswith("/dev/") or "://" in source


def live_input(source):
    """How ffmpeg is told of a camera or an address."""
    if source.startswith("/dev/"):
        return ["-f", "v4l2", "-i", source]
    return [*(["-rtsp_transport", "tcp"] if source.startswith("rtsp") else []), "-i", source]


def has_end(address):
    return quiet("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0",
                 address).strip() not in ("", "N/A")


def refuse(source, text):
    sys.exit("demo: --video %s: %s" % (source, text))


def look(source):
    """Ends the demo with what is wrong when no picture can be had of it."""
    if source.startswith("/dev/"):
        if not os.path.exists(source):
            there = sorted(glob.glob("/dev/video*"))
            refuse(source, "there is no such device; this machine has %s" % (", ".join(there) or "no /dev/videoN"))
    elif not is_live(source):
        if source == "" or not os.path.exists(source):
            refuse(source, "there is no such file (looked for as %s)" % os.path.abspath(source))
        if not os.path.isfile(source):
            refuse(source, "it is no file; a film, /dev/videoN or an address (rtsp://...) would be right")
    picture = live_input(source) if is_live(source) else ["-i", "file:" + os.path.abspath(source)]
    try:
        result = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *picture, "-an", "-frames:v", "1", "-f", "null",
                                 "-"], capture_output=True, text=True, check=False, timeout=PICTURE_WAIT_S)
    except subprocess.TimeoutExpired:
        refuse(source, "no picture comes in %d s" % PICTURE_WAIT_S)
    if result.returncode != 0:
        said = result.stderr.strip().splitlines() or ["it ended with %d" % result.returncode]
        why = next((line for line in said if line.startswith(picture[-1] + ": ")), said[0])
        refuse(source, "ffmpeg finds no picture in it: " + why.removeprefix(picture[-1] + ": "))


def poor(film, folder):
    """The film as a poor camera would give it: few, small pictures, strongly compressed."""
    path = os.path.join(folder, "camera.avi")
    quiet("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", "file:" + film, "-t", str(FILM_MAX_S), *POOR, path)
    return path


def camera(path):
    """The command of a camera that shows a film over and over, its pictures as they are in it."""
    return ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", path, "-c", "copy", "-f", "mjpeg",
            "-flush_packets", "1", "-"]


def live_camera(source):
    """The command of a camera that shows what another camera or an address does, as poorly."""
    pace = ["-re"] if source.startswith("http") and has_end(source) else []  # a film, not as quick as it comes
    return ["ffmpeg", "-nostdin", "-v", "error", *pace, *live_input(source), *POOR, "-f", "mjpeg", "-flush_packets", "1", "-"]


def pixels(*source, data=None):
    """RGBA of all pictures of what ffmpeg reads."""
    result = subprocess.run(["ffmpeg", "-v", "error", *source, "-sws_flags", "accurate_rnd+full_chroma_int",
                             "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"], input=data,
                            capture_output=True, check=False)
    if result.returncode != 0:
        sys.exit("demo: ffmpeg: " + result.stderr.decode(errors="replace"))
    return result.stdout
