"""What is ordered to go wrong, so that a program can be seen to bear it."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.calls import Call


@dataclass
class Fault:
    """Something that goes wrong, once or more often.

    Args:
        kind: ``error``: a request is refused with `code`. ``cut``: the connection breaks after
            `bytes` of the answer's body, as S3 does in the middle of a download. ``capacity``: a
            job or endpoint finds no instances, a function no environment. ``unhealthy``: a
            container never answers ``/ping``.
        on: What it strikes, with ``*`` for anything: for ``error`` and ``cut`` an operation such
            as ``s3:GetObject`` or ``sagemaker:*``; for the others a name of a job, endpoint or
            function.
        times: How often; 0 is until it is taken back.
        code: AWS's code, such as ``ThrottlingException``.
        status: The HTTP status of the refusal.
        bytes: Bytes of the body before the connection breaks.
        after: Requests that are let through first.
    """

    kind: str
    on: str = "*"
    times: int = 1
    code: str = "ThrottlingException"
    status: int = 400
    bytes: int = 0
    after: int = 0


KINDS = ("error", "cut", "capacity", "unhealthy")


class Faults:
    """The faults that are ordered and have not struck yet."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._faults)

    def order(self, wanted: Mapping[str, Any]) -> Fault:
        """Order one.

        Args:
            wanted: The arguments of a `Fault`.

        Raises:
            ValueError: There is no such kind, or no such argument.
        """
        try:
            fault = Fault(**wanted)
        except TypeError as error:
            raise ValueError(str(error).replace("Fault.__init__() ", "")) from error
        if fault.kind not in KINDS:
            raise ValueError(f"kind: {fault.kind!r}: must be one of {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take all of them back."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        """Return those that are left, as JSON takes them."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def strike(self, kind: str, name: str) -> Fault | None:
        """Return the fault that strikes now, and count it; None where all goes well.

        Args:
            kind: What may go wrong here.
            name: What it is about: an operation, a job, an endpoint.
        """
        with self._lock:
            for fault in self._faults:
                if fault.kind != kind or not fnmatch.fnmatchcase(name, fault.on):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                if fault.times:
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                return fault
        return None

    def check(self, call: Call) -> None:
        """Return, unless a request is ordered to be refused.

        Raises:
            ServiceError: It is.
        """
        fault = self.strike("error", call.action)
        if fault is not None:
            raise ServiceError(fault.code, f"{fault.code}, as ordered", fault.status)
