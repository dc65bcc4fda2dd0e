"""Makes an app's folder from the template, all of it or nothing."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import odyssey
from odyssey.errors import FolderNotEmptyError, ScaffoldError, UsageError, did_you_mean
from odyssey.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = {"aws": ("sagemaker", "lambda", "sagemaker+lambda")}
"""The services of each provider; the first is the default."""

BENCH = ".odyssey-init-"
"""What the app is made in, on its own disk, so that the last step is a rename."""

OF_LAMBDA = ("app.py", "tests/test_function.py")
"""The template's files that only an app for Lambda has."""


def kind(provider: str, service: str) -> str:
    """Return the service when apps can be made for it.

    Raises:
        UsageError: The provider or its service is unknown.
    """
    if provider not in SERVICES:
        nearest = did_you_mean(provider, SERVICES)
        raise UsageError(f'unknown provider "{provider}"; known: {", ".join(SERVICES)}{nearest}')
    known = SERVICES[provider]
    if service not in known:
        nearest = did_you_mean(service, known)
        raise UsageError(
            f'{provider} has no service "{service}"; known: {", ".join(known)}{nearest}'
        )
    return service


def bake(
    name: str,
    service: str,
    output_dir: Path,
    *,
    force: bool = False,
    template: Path | None = None,
) -> Path:
    """Make the folder of a new app.

    The files are made beside the target and moved there at the end: a failure leaves nothing
    behind, and an app that was there stays as it was.

    Args:
        name: The app's name, already checked; also the folder's.
        service: What runs the app: ``sagemaker``, ``lambda`` or ``sagemaker+lambda``.
        output_dir: The folder to make it in; made too when it is missing.
        force: Write over the template's own files in a folder that has some. Every other file
            stays, and nothing is ever deleted.
        template: The cookiecutter template. Default: the one that comes with odyssey.

    Returns:
        The app's folder, absolute.

    Raises:
        FolderNotEmptyError: The folder has something in it, and `force` is off.
        ScaffoldError: The template is broken, or the disk refuses.
    """
    target = (output_dir / name).resolve()
    if any(mark in str(target) for mark in ("{{", "{%", "{#")):
        # cookiecutter renders the whole path, and what stands between the braces would run.
        raise UsageError(f"{target}: a path with {{{{, {{% or {{# is code to the template engine")
    occupied = _occupied(target)
    if occupied and not force:
        raise FolderNotEmptyError(
            f"{target} is not empty; take another name, or write over its template files "
            "with --force"
        )
    try:
        with _folder(target.parent), workplace(BENCH, target.parent) as bench:
            baked = _render(template or default_template(), bench, name, service)
            if occupied:
                _merge(baked, target, bench / "replaced")
            else:
                baked.rename(target)
    except OSError as error:
        what = error.strerror or str(error)
        raise ScaffoldError(f"{error.filename or target}: {what}; nothing was made") from error
    return target


def default_template() -> Path:
    """Return the template that comes with odyssey: in its package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    places = (package / "app_template", package.parent / "app_template")
    for place in places:
        if (place / "cookiecutter.json").is_file():
            return place
    raise ScaffoldError(
        f"the app template is missing from {places[0]}",
        "this installation is broken; install odyssey again",
    )


def _occupied(target: Path) -> bool:
    if target.is_dir():
        return any(target.iterdir())
    if target.exists():
        raise FolderNotEmptyError(f"{target} is a file; take another name")
    return False


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make a folder with the ones above it, and take them away again when the work fails."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for place in missing:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
        raise


def _render(template: Path, bench: Path, name: str, service: str) -> Path:
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context, generate_files
    from jinja2 import TemplateError

    # The library below cookiecutter's own command neither reads ~/.cookiecutterrc nor writes a
    # replay file: what is made depends on these answers only.
    answers: dict[str, Any] = {
        "app_name": name,
        "odyssey_version": odyssey.__version__,
        "service": service,
    }
    try:
        context = generate_context(str(template / "cookiecutter.json"), extra_context=answers)
        made = Path(generate_files(template, context, bench))
    except (CookiecutterException, TemplateError, ValueError) as error:
        raise ScaffoldError(f"the app template is broken: {error}; nothing was made") from error
    # A template that was run in place, as its own tests do, has byte code in it.
    for cache in list(made.rglob("__pycache__")):
        shutil.rmtree(cache)
    if "lambda" not in service:
        for name in OF_LAMBDA:
            (made / name).unlink(missing_ok=True)
    return made


def _merge(baked: Path, target: Path, replaced: Path) -> None:
    """Move every file of `baked` into `target`, or on a failure put all back as it was."""
    files = sorted(path.relative_to(baked) for path in baked.rglob("*") if not path.is_dir())
    _refuse_conflicts(baked, target)
    folders = sorted(path.relative_to(baked) for path in baked.rglob("*") if path.is_dir())
    missing = [folder for folder in folders if not (target / folder).exists()]
    done: list[Path] = []
    try:
        for file in files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (replaced / file).parent.mkdir(parents=True, exist_ok=True)
            done.append(file)
            if os.path.lexists(target / file):
                os.replace(target / file, replaced / file)
            os.replace(baked / file, target / file)
    except BaseException:
        for file in done:
            if os.path.lexists(replaced / file):
                os.replace(replaced / file, target / file)
            elif not os.path.lexists(baked / file):
                (target / file).unlink()
        for folder in reversed(missing):
            if (target / folder).is_dir():
                (target / folder).rmdir()
        raise


def _refuse_conflicts(baked: Path, target: Path) -> None:
    for path in sorted(baked.rglob("*")):
        there = target / path.relative_to(baked)
        if os.path.lexists(there) and path.is_dir() != there.is_dir():
            wanted = "a folder" if path.is_dir() else "a file"
            raise FolderNotEmptyError(
                f"{there} is in the way: the template has {wanted} of that name; move it first"
            )
