"""The names of files in reports: as somebody in the current folder would type them."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """Return a file's name, relative to the current folder where it is in there.

    What is elsewhere is named from the app's folder, or the folder that it is in: no report has a
    path of the machine that made it.
    """
    whole, here = path.absolute(), Path.cwd()
    if whole.is_relative_to(here):
        return whole.relative_to(here).as_posix()
    app = next((each for each in whole.parents if (each / "odyssey.toml").is_file()), None)
    return whole.relative_to(app).as_posix() if app else path.as_posix()
