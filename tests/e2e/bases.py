"""The image that the tests build on: the Dockerfile's own, or one like it made here.

Where no registry can be reached, `debootstrap` makes a small Debian with Python, which has this
machine's certificates and pip settings, so that `pip install` works inside it.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAME = "odyssey-test-base:bookworm"
PACKAGES = "python3-pip,python3-venv,python-is-python3,ca-certificates"
MIRROR = "http://deb.debian.org/debian"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_or_make(engine: Any) -> str:
    """Return the name of the image, made first where the engine does not have it."""
    import docker.errors

    # Tests beside each other want it at the same moment.
    with Path(tempfile.gettempdir(), "odyssey-test-base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            engine.images.get(NAME)
        except docker.errors.ImageNotFound:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder, "root")
                _debootstrap(root)
                _settle(root)
                _import(root)
    return NAME


def _debootstrap(root: Path) -> None:
    program = shutil.which("debootstrap", path="/usr/sbin:/usr/bin")
    assert program, "debootstrap is not installed: apt-get install debootstrap"
    command = [program, "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), MIRROR]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def _settle(root: Path) -> None:
    """Leave no caches behind, and let pip reach what it reaches on this machine."""
    for path in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")):
        path.unlink()
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    kept = [f"{name} = {value}" for name, value in _pip_settings() if "file:" not in value]
    (root / "etc/pip.conf").write_text("\n".join(["[global]", *kept]) + "\n")


def _pip_settings() -> list[tuple[str, str]]:
    asked = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [line.partition("=") for line in lines]
    return [
        (name.removeprefix("global."), value.strip("'\""))
        for name, _, value in pairs
        if name in ("global.cert", "global.index-url", "global.trusted-host")
    ]


def _import(root: Path) -> None:
    tar = ["tar", "-C", str(root), "-c", "."]
    command = ["docker", "import", "--change", f"ENV {PATH}", "--change", 'CMD ["bash"]', "-", NAME]
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        subprocess.run(command, stdin=archive.stdout, check=True, capture_output=True)
    assert archive.returncode == 0
