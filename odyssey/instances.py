"""What the name of an instance type tells.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re

_TYPE = re.compile(r"ml\.(?P<family>[a-z]+)(?P<generation>\d+)(?P<options>[a-z]*)\.(?P<size>\w+)")

_GIGABYTES_OF_A_CORE = {"c": 2, "m": 4, "r": 8, "g": 4}
_GIGABYTES_OF_BURSTABLE = {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
_ODD = {"c4": 1.875, "r4": 7.625, "g6e": 8.0}


def is_graviton(instance_type: str) -> bool:
    """Return whether a type has Graviton processors, which run linux/arm64.

    Example:
        >>> is_graviton("ml.c7g.large"), is_graviton("ml.g5.xlarge")
        (True, False)
    """
    seen = _TYPE.fullmatch(instance_type)
    return seen is not None and "g" in seen["options"]


def memory_mb(instance_type: str) -> int | None:
    """Return the memory of a type in MiB, or None where its name does not tell.

    Example:
        >>> memory_mb("ml.m5.large")
        8192
    """
    seen = _TYPE.fullmatch(instance_type)
    if seen is None:
        return None
    if seen["family"] == "t":
        whole = _GIGABYTES_OF_BURSTABLE.get(seen["size"])
        return whole * 1024 if whole else None
    kind = seen["family"] + seen["generation"] + seen["options"]
    share = _ODD.get(kind, _ODD.get(kind[:2], _GIGABYTES_OF_A_CORE.get(seen["family"])))
    cores = _cores(seen["size"])
    return int(share * cores * 1024) if share and cores else None


def _cores(size: str) -> int | None:
    if size == "large":
        return 2
    times = re.fullmatch(r"(\d*)xlarge", size)
    return 4 * int(times[1] or 1) if times else None
