"""What CreateTransformJob refuses, besides what the service's model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.sagemaker.transform_input import URI
from odyssey.sandbox.sagemaker.transform_limits import TOGETHER
from odyssey.sandbox.sagemaker.transform_paths import Path, PathError
from odyssey.sandbox.sagemaker.transform_processing import CSV, JSON, LINES, media

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES = (CSV, JSON, LINES)

OPERATORS = "$[]*. ,:-'"
"""What a path may have besides letters and digits; one for CSV, besides digits."""


def require(request: Mapping[str, Any]) -> None:
    """Return if a request keeps the rules of SageMaker.

    Raises:
        ServiceError: It breaks one.
    """
    _require_places(request)
    _require_room(request)
    _require_processing(request)
    if "DataCaptureConfig" in request:
        raise _invalid("DataCaptureConfig: the sandbox captures no data of transform jobs")


def _require_places(request: Mapping[str, Any]) -> None:
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise _invalid(
            f"S3DataType {source['S3DataType']} is not supported for transform jobs. Supported "
            "values are: [ManifestFile, S3Prefix]"
        )
    for uri in (source["S3Uri"], request["TransformOutput"]["S3OutputPath"]):
        if URI.fullmatch(uri) is None:
            raise _invalid(f'Invalid S3 URI: "{uri}": the sandbox takes s3://bucket/key')


def _require_room(request: Mapping[str, Any]) -> None:
    payload = request.get("MaxPayloadInMB", 0)
    concurrent = request.get("MaxConcurrentTransforms", 0)
    if payload > TOGETHER:
        raise _invalid(f"MaxPayloadInMB cannot be greater than {TOGETHER} MB, and is {payload}")
    if payload * concurrent > TOGETHER:
        raise _invalid(
            f"MaxConcurrentTransforms * MaxPayloadInMB cannot exceed {TOGETHER} MB, and is "
            f"{concurrent} * {payload} = {concurrent * payload}"
        )


def _require_processing(request: Mapping[str, Any]) -> None:
    wanted = request.get("DataProcessing", {})
    filters = {name: wanted.get(name) or "$" for name in ("InputFilter", "OutputFilter")}
    if wanted.get("JoinSource") != "Input" and set(filters.values()) == {"$"}:
        return
    kind = media(request["TransformInput"].get("ContentType", ""))
    accepted = media(request["TransformOutput"].get("Accept", ""))
    if kind not in TYPES or accepted != kind:
        raise _invalid(
            "DataProcessing needs the same ContentType and Accept, of "
            f'{", ".join(TYPES)}; they are "{kind}" and "{accepted}"'
        )
    split = request["TransformInput"].get("SplitType", "None")
    assembled = request["TransformOutput"].get("AssembleWith", "None")
    if split not in ("None", "Line") or split != assembled or (kind == CSV and split != "Line"):
        raise _invalid(
            "DataProcessing needs SplitType and AssembleWith Line, or, unless it is about "
            f"{CSV}, both None; they are {split} and {assembled}"
        )
    for name, path in filters.items():
        _require_path(name, path, kind)


def _require_path(name: str, path: str, kind: str) -> None:
    operators = OPERATORS.replace("'", "") if kind == CSV else OPERATORS
    for letter in path:
        is_word = letter.isdigit() or (kind != CSV and letter.isalpha())
        if not is_word and letter not in operators:
            listed = ", ".join(f"'{each}'" for each in operators)
            raise _invalid(
                f'Invalid {name}: "{path}". Unexpected "{letter}" in JsonPath. Supported '
                f'operators for "{kind}" are [{listed}]'
            )
    try:
        Path.parse(path)
    except PathError as error:
        raise _invalid(f'Invalid {name}: "{path}". {error}') from error


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
