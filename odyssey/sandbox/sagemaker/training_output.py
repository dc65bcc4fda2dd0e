"""What a training job leaves behind: from its machines, as archives or files, to S3.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

from __future__ import annotations

import posixpath
import shutil
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.training_channels import CHECKPOINTS
from odyssey.sandbox.sagemaker.training_record import LONGEST
from odyssey.storage import Uri, encryption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from odyssey.sandbox.machines import Machine

    Member = tuple[tarfile.TarInfo, IO[bytes] | None]

MODEL = "/opt/ml/model"
DATA = "/opt/ml/output/data"
FAILURE = "/opt/ml/output/failure"

LEVEL = 1
"""How hard gzip tries: who waits for a sandbox wants no smaller archive."""


class UploadError(Exception):
    """What a job made cannot be uploaded; the text is the FailureReason."""


class Output:
    """Uploads what is in the folders of a job's machines.

    Of two files with the same name on two machines, that of the first machine is taken.

    Args:
        client: A client of boto3 for ``s3``, of the job's role.
        job: The job's record.
        machines: Its machines, in order, which have ended.
        folder: Where files are on their way.
        check: Called again and again; what it raises ends the upload.
    """

    def __init__(
        self,
        client: Any,
        job: dict[str, Any],
        machines: Sequence[Machine],
        folder: Path,
        check: Callable[[], None],
    ) -> None:
        """Nothing is uploaded yet."""
        self._client = client
        self._machines = machines
        self._folder = folder
        self._check = check
        self._wanted = job["OutputDataConfig"]
        self._place = Uri.parse(self._wanted["S3OutputPath"]) / job["TrainingJobName"] / "output"
        self._checkpoints = job.get("CheckpointConfig", {})

    def model(self) -> str:
        """Upload the model, and return its URI.

        Raises:
            UploadError: S3 refuses.
        """
        if self._wanted.get("CompressionType") == "NONE":
            self._plain(MODEL, self._place / "model")
            return str(self._place / "model")
        place = self._place / "model.tar.gz"
        self._packed(MODEL, place, even_empty=True)
        return str(place)

    def data(self) -> None:
        """Upload what is in the folder for other output, if there is anything.

        Raises:
            UploadError: S3 refuses.
        """
        self._packed(DATA, self._place / "output.tar.gz", even_empty=False)

    def checkpoints(self) -> None:
        """Upload the checkpoints, if the job is to keep any.

        Raises:
            UploadError: S3 refuses.
        """
        if self._checkpoints:
            folder = self._checkpoints.get("LocalPath", CHECKPOINTS)
            self._plain(folder, Uri.parse(self._checkpoints["S3Uri"]))

    def _packed(self, folder: str, place: Uri, *, even_empty: bool) -> None:
        path = self._folder / "archive"
        count = 0
        with tarfile.open(path, "w:gz", compresslevel=LEVEL) as archive:
            for member, content in self._members(folder):
                archive.addfile(member, content)
                count += not member.isdir()
        if count or even_empty:
            self._upload(path, place)
        path.unlink()

    def _plain(self, folder: str, place: Uri) -> None:
        """Upload each file as an object. Links are left out: S3 knows none."""
        path = self._folder / "file"
        for member, content in self._members(folder):
            if content is not None:
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                self._upload(path, place / member.name)
                path.unlink()

    def _members(self, folder: str) -> Iterator[Member]:
        """Yield what is in a folder of all machines, each name once."""
        seen: set[str] = set()
        for machine in self._machines:
            with machine.take(folder) as archive:
                for member, content in () if archive is None else inside(archive, folder):
                    self._check()
                    if member.name not in seen:
                        seen.add(member.name)
                        yield member, content

    def _upload(self, path: Path, place: Uri) -> None:
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import S3Transfer
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            S3Transfer(self._client).upload_file(
                str(path),
                place.bucket,
                place.key,
                callback=lambda _: self._check(),
                extra_args=encryption(self._wanted.get("KmsKeyId", "")),
            )
        except (Boto3Error, BotoCoreError, ClientError) as error:
            self._check()  # What it raised may be behind the error.
            raise UploadError(f"ClientError: Artifact upload failed: {error}") from error


def inside(archive: tarfile.TarFile, folder: str) -> Iterator[Member]:
    """Yield what is in a folder, with names below it, whatever the archive says of owners.

    What is neither a file, a folder nor a link within the folder is left out.

    Args:
        archive: The archive of the folder, as `Machine.take` yields it.
        folder: The folder's path on the machine.
    """
    for found in archive:
        words = PurePosixPath(found.name).parts[1:]
        if not words or ".." in words:
            continue
        member = tarfile.TarInfo("/".join(words))
        member.mode, member.mtime, member.type = found.mode & 0o777, found.mtime, found.type
        if found.isfile():
            member.size, member.type = found.size, tarfile.REGTYPE
            yield member, archive.extractfile(found)
        elif found.isdir() or (found.issym() or found.islnk()) and _aim(member, found, folder):
            yield member, None


def _aim(member: tarfile.TarInfo, found: tarfile.TarInfo, folder: str) -> bool:
    """Let a link lead to where it led, as seen from the folder; return whether that is inside."""
    # A symbolic link is relative to its own folder, a hard one to the archive.
    home = posixpath.dirname(f"{folder}/{member.name}")
    begin = home if found.issym() else posixpath.dirname(folder)
    aim = posixpath.normpath(posixpath.join(begin, found.linkname))
    member.linkname = posixpath.relpath(aim, home if found.issym() else folder)
    return aim.startswith(f"{folder}/")


def failure(machine: Machine) -> str:
    """Return what a machine has written about its failure, or as much of it as can be told."""
    with machine.take(FAILURE) as archive:
        member = archive.next() if archive is not None else None
        content = archive.extractfile(member) if archive is not None and member else None
        if content is None:
            return ""
        # A character of UTF-8 has at most four bytes.
        return content.read(4 * LONGEST).decode("utf-8", "replace")
