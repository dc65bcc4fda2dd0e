"""The table of formats: how a request's bytes become input, and how an answer becomes bytes.

To add a format, write one function for each direction and add one row to `FORMATS`; both doors
and the negotiation of `Content-Type` and `Accept` read that table and nothing else. For example:

    FORMATS["application/x-npy"] = Format(
        decode=lambda body, parameters: numpy.load(io.BytesIO(body), allow_pickle=False))

pandas is needed for `text/csv` only. orjson, where requirements.txt names it, writes numbers ten
times faster than Python does; everything works without it.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rocket.errors import RequestError

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]


#: Rows of a table that are written at once.
PART = 10_000


class Answers(list[Any]):
    """The answers to a request of many records, one for each; a bare list is a single answer."""


class Unfit(TypeError):
    """An answer that a format cannot carry; negotiation then looks at the next format."""


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Attributes:
        decode: Body and `Content-Type` parameters to what `predict` receives; raises
            `RequestError` when the body is malformed. None: not accepted as input.
        encode: What `predict` returned, to bytes; raises `Unfit` when it cannot carry it.
            None: not offered as output.
        many: The body is a list of records: `predict` is called with each of them.
        aliases: Other media types for the same format.
    """

    decode: Callable[[bytes, Mapping[str, str]], Any] | None = None
    encode: Callable[[Any], bytes] | None = None
    many: bool = False
    aliases: tuple[str, ...] = ()


def text(body: bytes, parameters: Mapping[str, str]) -> str:
    """Decodes a body to text, by default UTF-8, without its byte order mark."""
    charset = parameters.get("charset", "utf-8")
    try:
        return body.decode(charset).removeprefix("\ufeff")
    except LookupError:
        raise RequestError(415, f"charset={charset}: no such character set; send utf-8") from None
    except UnicodeDecodeError as error:
        # Codecs without a position in bytes (idna, punycode) are nobody's character set.
        position = getattr(error, "start", 0)
        raise RequestError(
            400, f"the body is not valid {charset}: {error.reason} at byte {position + 1}"
        ) from None
    except (ValueError, TypeError) as error:
        raise RequestError(400, f"the body is not valid {charset}: {error}") from None


# --- application/json -----------------------------------------------------------------------


def decode_json(body: bytes, parameters: Mapping[str, str]) -> Any:
    """Parses one JSON document; NaN and Infinity are let through, as Python's json writes them."""
    if orjson is not None and not parameters:
        try:
            return orjson.loads(body)
        except ValueError:
            pass  # The standard parser knows a few more numbers, and says where the fault is.
    return _parse_json(text(body, parameters))


def _parse_json(document: str, line: int = 1) -> Any:
    """Parses a document that begins at this line of the body."""
    try:
        return json.loads(document)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise RequestError(400, f"malformed JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise RequestError(400, f"malformed JSON: line {line} is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise RequestError(400, f"malformed JSON: line {line}: {error}") from None


def encode_json(answer: Any) -> bytes:
    """Writes an answer as JSON; a string that is JSON already is sent as it is."""
    if isinstance(answer, Answers):
        return b"[" + b",".join(map(encode_json, answer)) + b"]"
    if isinstance(answer, str):
        return _json_or_string(answer)
    if isinstance(answer, bytes | bytearray | memoryview):
        raise Unfit("bytes")
    return _dump(answer)


def _json_or_string(answer: str) -> bytes:
    try:
        json.loads(answer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(answer).encode()
    return answer.encode()


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are labels here: JSON does not know them.


def _dump(answer: Any) -> bytes:
    if orjson is not None:
        try:
            return orjson.dumps(answer, _plain, orjson.OPT_SERIALIZE_NUMPY)
        except TypeError:
            pass  # Keys that are no strings, integers over 64 bits: the standard writer can.
    try:
        return json.dumps(answer, default=_plain, allow_nan=False).encode()
    except (ValueError, TypeError):
        # JSON has no NaN; null is what every reader of tables understands. Nor has it numpy's
        # numbers as keys, as in dict(zip(model.classes_, probabilities)).
        return json.dumps(_without_nan(answer), default=_plain).encode()


def _plain(value: Any) -> Any:
    """What JSON knows, for numpy's, pandas' and other types that it does not."""
    if _is_pandas(value, "DataFrame"):
        return value.to_dict(orient="records")
    pandas = sys.modules.get("pandas")
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return None
    if type(value).__module__ == "numpy" and value.dtype.kind == "M":
        value = value.astype("datetime64[us]")  # Nanoseconds would come out as integers.
    for method in ("tolist", "isoformat", "item"):  # numpy and Series; dates; scalars
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise Unfit(type(value).__name__)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        known = str | int | float | None
        items = [(key if isinstance(key, known) else _plain(key), value[key]) for key in value]
        return {key: _without_nan(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, str | int | None):
        return value
    return _without_nan(_plain(value))


# --- application/jsonlines ------------------------------------------------------------------


def decode_jsonlines(body: bytes, parameters: Mapping[str, str]) -> list[Any]:
    """Parses one JSON document a line; empty lines are passed over."""
    records = []
    for number, line in enumerate(text(body, parameters).split("\n"), 1):
        if line.strip():
            records.append(_parse_json(line, number))
    if not records:
        raise RequestError(400, "the body has no record: send one JSON document a line")
    return records


def encode_jsonlines(answer: Any) -> bytes:
    """Writes one JSON document a line: a record, a row or an element of the answer."""
    if _is_pandas(answer, "DataFrame"):
        answer = answer.to_dict(orient="records")
    elif hasattr(answer, "tolist"):
        answer = answer.tolist()
    rows = answer if isinstance(answer, list | tuple) else [answer]
    # A string that is JSON already may have line breaks, only between its parts.
    lines = (encode_json(row).replace(b"\r", b" ").replace(b"\n", b" ") for row in rows)
    return b"".join(line + b"\n" for line in lines)


# --- text/csv -------------------------------------------------------------------------------


def decode_csv(body: bytes, parameters: Mapping[str, str]) -> Any:
    """Parses a table into a pandas DataFrame; every line must have as many fields as the first."""
    header = parameters.get("header", "absent")
    if header not in ("present", "absent"):
        raise RequestError(400, f"header={header}: must be present or absent")
    if "charset" in parameters or body.startswith(b"\xef\xbb\xbf") or not body.isascii():
        body = text(body, parameters).encode(errors="replace")  # utf-7 can say half a character
    # pandas fills up short lines, and cuts what is longer than the header.
    if header == "present":
        _check_widths(body)
    frame = _read_table(body, header == "present")
    if frame.empty:
        raise RequestError(400, "the body has no record: send one line a record")
    if header == "absent" and frame.iloc[:, -1].isna().any():
        _check_widths(body)
    return frame


def _read_table(body: bytes, header: bool) -> Any:
    import pandas as pd

    read = functools.partial(pd.read_csv, header=0 if header else None, index_col=False)
    try:
        frame = read(io.BytesIO(body))
        # A large table is read in parts; where they disagree about a column's type, at once.
        if len(body) > 2**18 and (frame.dtypes == "object").any():
            frame = read(io.BytesIO(body), low_memory=False)
    except pd.errors.EmptyDataError:
        raise RequestError(400, "the body has no record: send one line a record") from None
    except (ValueError, OverflowError) as error:
        _check_widths(body)
        reason = str(error).replace("Error tokenizing data. C error: ", "").strip()
        raise RequestError(400, f"malformed CSV: {reason}") from None
    return frame


def _check_widths(body: bytes) -> None:
    """Finds the first line that has more or fewer fields than the first one."""
    import csv

    # Quoted fields may be as long as the body; the payload limit has bounded that already.
    csv.field_size_limit(sys.maxsize)
    lines = io.StringIO(body.decode(), newline="")
    if b'"' not in body and len({line.count(",") for line in lines if line.strip()}) == 1:
        return
    lines.seek(0)
    reader = csv.reader(lines, strict=True)
    width = 0
    try:
        for row in reader:
            if not row or (len(row) == 1 and row[0].isspace()):
                continue  # As pandas does.
            width = width or len(row)
            if len(row) != width:
                raise RequestError(
                    400,
                    f"malformed CSV: line {reader.line_num} has {len(row)} fields, "
                    f"the first line has {width}",
                )
    except csv.Error as error:
        raise RequestError(400, f"malformed CSV: line {reader.line_num}: {error}") from None


def encode_csv(answer: Any) -> bytes:
    """Writes a table without header and index; a row for each record."""
    if isinstance(answer, str):
        return answer.encode()
    if isinstance(answer, bytes | bytearray | memoryview):
        raise Unfit("bytes")
    import pandas as pd

    if isinstance(answer, Mapping):
        answer = _columns(answer)
    elif isinstance(answer, list | tuple) and any(isinstance(row, str) for row in answer):
        answer = [_from_json(row) for row in answer]
    elif isinstance(answer, int | float) or getattr(answer, "ndim", 1) == 0:
        answer = [answer]
    elif not hasattr(answer, "__len__"):
        raise Unfit(type(answer).__name__)
    if getattr(answer, "ndim", 1) > 2:
        raise Unfit(f"an array of {answer.ndim} dimensions")
    try:
        frame = answer if _is_pandas(answer, "DataFrame") else pd.DataFrame(answer)
    except (ValueError, TypeError) as error:
        raise Unfit(str(error)) from None
    return _write_numbers(frame) or frame.to_csv(header=False, index=False).encode()


def _columns(answer: Mapping[str, Any]) -> Any:
    """A dictionary of columns as it is, one of single values as one row."""
    nested = [value for value in answer.values() if isinstance(value, Mapping)]
    if nested:
        raise Unfit("a nested dictionary")
    columns = any(
        hasattr(value, "__len__") and not isinstance(value, str) for value in answer.values()
    )
    return answer if columns else [answer]


def _from_json(row: Any) -> Any:
    try:
        value = json.loads(row)
    except (ValueError, TypeError):
        return row
    # A label "true", "null" or "1e3" is a label.
    return value if isinstance(value, dict | list | str) else row


def _write_numbers(frame: Any) -> bytes | None:
    """Writes a table of numbers the fast way; None where pandas has to."""
    kinds = {getattr(kind, "str", "") for kind in frame.dtypes}
    if frame.empty or kinds not in ({"<i8"}, {"<f8"}):
        return None
    parts = range(0, len(frame), PART)
    return b"".join(_lines(frame.iloc[start : start + PART].to_numpy()) for start in parts)


def _lines(values: Any) -> bytes:
    """Rows of 64-bit numbers as lines; a missing number is an empty field, as pandas writes it."""
    import numpy as np

    alone = values.shape[1] == 1
    # Where it is alone on its line, the line must not be blank: readers pass over those.
    missing = '""' if alone else ""
    if orjson is not None and not np.isinf(values).any():
        # Brackets aside, a JSON array, or an array of arrays, is the same text.
        values = np.ascontiguousarray(values.ravel() if alone else values)
        written = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
        end, between = (1, b",") if alone else (2, b"],[")
        rows = written[end:-end].replace(between, b"\n")
        return rows.replace(b"null", missing.encode()) + b"\n"
    write = repr if values.dtype.kind == "i" else functools.partial(_digits, missing=missing)
    return "".join(",".join(map(write, row)) + "\n" for row in values.tolist()).encode()


def _digits(value: float, missing: str) -> str:
    return repr(value) if value == value else missing  # noqa: PLR0124 - NaN is not


#: Media type to format. The order is the server's preference where `Accept` leaves the choice.
FORMATS: dict[str, Format] = {
    "application/json": Format(decode_json, encode_json),
    "application/jsonlines": Format(
        decode_jsonlines,
        encode_jsonlines,
        many=True,
        aliases=("application/x-jsonlines", "application/x-ndjson", "application/jsonl"),
    ),
}
if importlib.util.find_spec("pandas"):
    FORMATS["text/csv"] = Format(decode_csv, encode_csv, aliases=("application/csv",))


def _is_pandas(value: Any, kind: str) -> bool:
    """Whether a value is pandas' own; nothing is where pandas was never imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, getattr(pandas, kind))
