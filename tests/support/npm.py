"""Packages from npm for the tests: exact versions and integrity from a package-lock.json.

Installed once, by `npm ci`, into .cache/NAME at the top of the repository. Each use proves that what
is there is still what was installed then: its files are hashed, and installed anew when they differ.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess

from suite import Failure, Skip, need

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAMP = "installed.json"


def digest_file(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(top):
    """SHA-256 over the names and contents of all files; what tools keep in .cache is left out."""
    tree = hashlib.sha256()
    for folder, folders, files in os.walk(top):
        if folder == top and ".cache" in folders:
            folders.remove(".cache")
        folders.sort()
        for name in sorted(files + [name for name in folders
                                    if os.path.islink(os.path.join(folder, name))]):
            path = os.path.join(folder, name)
            what = "link " + os.readlink(path) if os.path.islink(path) else digest_file(path)
            tree.update(f"{os.path.relpath(path, top)}\0{what}\n".encode("utf-8", "surrogateescape"))
    return tree.hexdigest()


def read_stamp(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def install(source, cache, timeout):
    npm = need("npm")
    for file in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(source, file), cache)
    try:
        result = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                                 "--prefer-offline"], cwd=cache, capture_output=True, text=True,
                                timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Skip(f"npm has not fetched it after {timeout} s") from None
    if "EINTEGRITY" in result.stderr:
        raise Failure("npm: " + result.stderr[:2000])
    if result.returncode != 0:
        raise Skip("npm cannot fetch it: " + result.stderr.strip().split("\n")[-1])


def fetch(source, name, timeout=600):
    """The folder node_modules with what SOURCE/package-lock.json names, in .cache/NAME. Skip: npm is not there, or cannot
    fetch; Failure: what it fetched is not what the lock file says."""
    cache = os.path.join(ROOT, ".cache", name)
    modules, stamp = os.path.join(cache, "node_modules"), os.path.join(cache, STAMP)
    os.makedirs(cache, exist_ok=True)
    lock = digest_file(os.path.join(source, "package-lock.json"))
    with open(cache + ".lock", "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        known = read_stamp(stamp)
        if known is None or known.get("lock") != lock or known.get("tree") != digest_tree(modules):
            if known is not None:
                os.unlink(stamp)
            install(source, cache, timeout)
            with open(stamp, "w", encoding="utf-8") as file:
                json.dump({"lock": lock, "tree": digest_tree(modules)}, file)
    return modules
