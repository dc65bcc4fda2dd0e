"""A registry of one's own, with a password."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

USER, PASSWORD = "AWS", "open-sesame"
# htpasswd -nbB AWS open-sesame
HTPASSWD = "AWS:$2y$05$aVFzQ1SCXbsp4/Jp18kFTu5WT6JwPmnkxBLITg3HYgowrn6VyziA2\n"

CONFIG = """
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/images}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
auth:
  htpasswd: {{realm: registry, path: {folder}/htpasswd}}
"""


@dataclass
class Registry:
    """Debian's docker-registry on 127.0.0.1, for the length of a `with` block."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "htpasswd").write_text(HTPASSWD)
        config = self.folder / "config.yml"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(config)], stdout=log, stderr=log
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Leave what is asked for unanswered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def has(self, name: str) -> bool:
        """Whether any tag of a repository has arrived."""
        tags = self.folder / "images/docker/registry/v2/repositories" / name / "_manifests/tags"
        return tags.is_dir() and any(tags.iterdir())

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=1)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 401:
                    return
                raise
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())


def require_registry() -> None:
    """Skip where Debian's docker-registry is not installed."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed")
