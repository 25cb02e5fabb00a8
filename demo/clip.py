"""The film of the demo, and what a poor camera makes of it."""

import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, ".cache", "demo")
WIDTH, HEIGHT, RATE = 320, 180, 10


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


def poor(film, folder):
    """The film as a poor camera would give it: few, small pictures, strongly compressed."""
    path = os.path.join(folder, "camera.avi")
    quiet("ffmpeg", "-v", "error", "-y", "-i", film, "-an", "-vf", "fps=%d,scale=%d:%d" % (RATE, WIDTH, HEIGHT),
          "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "5", path)
    return path


def camera(path):
    """The command of a camera that shows a film over and over, its pictures as they are in it."""
    return ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", path, "-c", "copy", "-f", "mjpeg",
            "-flush_packets", "1", "-"]


def pixels(*source, data=None):
    """RGBA of all pictures of what ffmpeg reads."""
    result = subprocess.run(["ffmpeg", "-v", "error", *source, "-sws_flags", "accurate_rnd+full_chroma_int",
                             "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"], input=data,
                            capture_output=True, check=False)
    if result.returncode != 0:
        sys.exit("demo: ffmpeg: " + result.stderr.decode(errors="replace"))
    return result.stdout
