"""What a secret looks like in a template."""

from __future__ import annotations

import re
from typing import Any

_NAME = re.compile(
    r"(^|[_-])(password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|credentials?)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bhf_[A-Za-z0-9]{30,}\b"
    r"|\bxox[abp]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|://[^/\s:@]+:[^/\s@]+@"
)
_ELSEWHERE = re.compile(
    r"arn:|\{\{resolve:|s3://|https?://|\W|.{0,5}$|(true|false|none|\d+)$", re.IGNORECASE
)
"""A value that names where the secret is, or that is none, such as a tokenizer's ``<pad>``."""


def secret(name: str, value: Any) -> bool:
    """Return whether a variable has a secret in it.

    Args:
        name: The variable's name.
        value: Its value; what is not known, or no text, is no secret.

    A value that names where a secret is kept, such as an ARN or a path, is none.
    """
    if not isinstance(value, str) or not value:
        return False
    if _VALUE.search(value):
        return True
    return bool(_NAME.search(name)) and not _ELSEWHERE.match(value)
