"""What a transform job picks of its records for the model, and how it joins them with the answers.

::

    records ── InputFilter ── model ── JoinSource ── OutputFilter ── output
        └──────────────────────────────────┘

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Protocol

from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
from odyssey.sandbox.sagemaker.transform_paths import Path, PathError

if TYPE_CHECKING:
    from collections.abc import Mapping

CSV = "text/csv"
JSON = "application/json"
LINES = "application/jsonlines"

MISMATCH = "Fail to join data: mismatched line count between the input and the output"

# The csv module refuses fields above 131,072 characters; SageMaker, none.
csv.field_size_limit(1 << 30)


def media(content_type: str) -> str:
    """Return a type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


class Format(Protocol):
    """How records are written."""

    def read(self, written: bytes) -> list[Any]:
        """Return the records of a body.

        Raises:
            ValueError: They are written otherwise.
        """

    def write(self, records: list[Any]) -> bytes:
        """Return records as a body, without a line end after the last."""

    def join(self, record: Any, answer: Any) -> Any:
        """Return a record with its answer."""


class Rows:
    """Lines of CSV, of which each is an array of texts."""

    def read(self, written: bytes) -> list[Any]:
        """Return the records of a body."""
        lines = _lines(written)
        try:
            rows = list(csv.reader(lines, strict=True))
        except csv.Error as error:
            raise ValueError(str(error)) from error
        if len(rows) != len(lines):
            raise ValueError("a field has a line end in it")
        return rows

    def write(self, records: list[Any]) -> bytes:
        """Return records as a body."""
        told = io.StringIO()
        writer = csv.writer(told, lineterminator="\n")
        writer.writerows(row if isinstance(row, list) else [row] for row in records)
        return told.getvalue().removesuffix("\n").encode()

    def join(self, record: Any, answer: Any) -> Any:
        """Return a record with its answer."""
        return record + answer


class Documents:
    """JSON: one document, or one on each line.

    Args:
        by_line: Which.
    """

    def __init__(self, *, by_line: bool) -> None:
        """Nothing is read yet."""
        self._by_line = by_line

    def read(self, written: bytes) -> list[Any]:
        """Return the records of a body."""
        return [json.loads(text) for text in (_lines(written) if self._by_line else [written])]

    def write(self, records: list[Any]) -> bytes:
        """Return records as a body."""
        return "\n".join(_dumped(record) for record in records).encode()

    def join(self, record: Any, answer: Any) -> Any:
        """Return a record with its answer."""
        whole = record if isinstance(record, dict) else {"SageMakerInput": record}
        return {**whole, "SageMakerOutput": answer}


class Processing:
    """The ``DataProcessing`` of a request.

    Args:
        request: The request of CreateTransformJob.

    Raises:
        PathError: A filter is none that SageMaker takes.

    Example:
        >>> wanted = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
        >>> request = {"DataProcessing": wanted, "TransformInput": {"ContentType": "text/csv"}}
        >>> processing = Processing(request)
        >>> processing.asked(b"id,1,2"), processing.told(b"id,1,2", b"7")
        (b'1,2', b'id,7')
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        """Read the filters."""
        wanted = request.get("DataProcessing", {})
        self._input = Path.parse(wanted.get("InputFilter", ""))
        self._output = Path.parse(wanted.get("OutputFilter", ""))
        self._joins = wanted.get("JoinSource") == "Input"
        source = request["TransformInput"]
        self._format = _format(source.get("ContentType", ""), source.get("SplitType", "None"))

    @property
    def is_needed(self) -> bool:
        """Whether it changes anything."""
        return self._joins or not (self._input.is_all and self._output.is_all)

    def asked(self, records: bytes) -> bytes:
        """Return what the model sees of the records of a request.

        Raises:
            ObjectFailedError: They are not what the filter or the content type says.
        """
        if self._input.is_all:
            return records
        found = self._read(records, "the input")
        end = b"\n" if records.endswith(b"\n") else b""
        return self._format.write(_picked(self._input, found)) + end

    def told(self, records: bytes, answer: bytes) -> bytes:
        """Return what the output has of the records of a request, and of their answers.

        Raises:
            ObjectFailedError: They do not fit together, or are not what the filter says.
        """
        if not self._joins and self._output.is_all:
            return answer
        found = self._read(answer, "output from the algorithm")
        if self._joins:
            asked = self._read(records, "the input")
            if len(asked) != len(found):
                raise ObjectFailedError(MISMATCH)
            found = [self._format.join(*both) for both in zip(asked, found, strict=True)]
        return self._format.write(_picked(self._output, found))

    def _read(self, written: bytes, what: str) -> list[Any]:
        try:
            return self._format.read(written)
        except ValueError as error:
            name = "CSV" if isinstance(self._format, Rows) else "JSON"
            raise ObjectFailedError(f"Failed to parse {what} as {name}: {error}") from error


def _format(content_type: str, split: str) -> Format:
    if media(content_type) == CSV:
        return Rows()
    return Documents(by_line=split == "Line" or media(content_type) == LINES)


def _picked(path: Path, records: list[Any]) -> list[Any]:
    try:
        return [path.pick(record) for record in records]
    except PathError as error:
        raise ObjectFailedError(f"{path.text}: {error}") from error


def _lines(written: bytes) -> list[str]:
    """Return the lines of a body without their ends; only a line feed ends one."""
    lines = [line.removesuffix("\r") for line in written.decode().split("\n")]
    return lines if lines[-1] else lines[:-1]


def _dumped(record: Any) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)
