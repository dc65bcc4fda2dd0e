"""What moto's services know, as bytes and back."""

from __future__ import annotations

import importlib
import io
import logging
import marshal
import pickle
import threading
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.iam.models import AWSManagedPolicy, iam_backends

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger("odyssey.sandbox")

LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}

GLOBAL = ("", "")
"""In place of account and region: what a service knows of all of them, as S3 of bucket names."""


class Place(NamedTuple):
    """Where moto has what one of its services knows.

    Args:
        module: The module, such as ``moto.s3.models``.
        kind: The class, such as ``S3Backend``.
        account: The account, or ``""``.
        region: The region or the partition, or ``""``.
    """

    module: str
    kind: str
    account: str
    region: str


def capture() -> dict[Place, bytes]:
    """Return what all services know that were asked anything.

    A service of which something cannot be written down is left out, and told in the log.

    Raises:
        RuntimeError: Something changed meanwhile: it is worth another try.
    """
    places = dict(_places())
    names = {id(found): place for place, found in places.items()}
    states = {}
    for place, found in places.items():
        file = io.BytesIO()
        try:
            _Pickler(file, names).dump(_state(found))
        except Exception as error:
            if isinstance(error, RuntimeError) and not isinstance(error, RecursionError):
                raise
            _tell(place, str(error))
            continue
        states[place] = file.getvalue()
    return states


@lru_cache
def _tell(place: Place, why: str) -> None:
    """Tell once what cannot be kept."""
    log.warning("what moto's %s knows in %s is not kept: %s", place.kind, place.region, why)


def forget() -> None:
    """Have moto's services know nothing.

    moto's own `BackendDict.reset` begins each service anew before it lets go of it: that takes a
    second where IAM has AWS's own policies.
    """
    for each in list(BackendDict._instances):  # type: ignore[misc]
        for known in _state(each).values():
            known.clear()
        each.clear()
    BackendDict._instances.clear()  # type: ignore[misc]


def restore(states: Mapping[Place, bytes]) -> None:
    """Have moto's services know what they knew, and nothing else.

    Raises:
        Exception: The bytes are none of ours; what the services know is undefined then.
    """
    forget()
    read = [(place, pickle.loads(state)) for place, state in states.items()]  # noqa: S301
    for place, state in read:
        found = _found(place)
        for name in _state(found):
            del vars(found)[name]
        vars(found).update(state)


def _places() -> Iterator[tuple[Place, BaseBackend | BackendDict[Any]]]:
    for each in list(BackendDict._instances):  # type: ignore[misc]
        module, kind = each.backend.__module__, each.backend.__name__
        yield Place(module, kind, *GLOBAL), each
        for account, region, backend in list(each.iter_backends()):
            yield Place(module, kind, account, region), backend


_OF_EVERY_DICT = vars(BackendDict(BaseBackend, "any")).keys()


def _state(found: BaseBackend | BackendDict[Any]) -> dict[str, Any]:
    if isinstance(found, BaseBackend):
        return dict(vars(found))
    return {name: value for name, value in vars(found).items() if name not in _OF_EVERY_DICT}


def _found(place: Place) -> Any:
    """Return a service of moto's, begun when it is missing."""
    for found in vars(importlib.import_module(place.module)).values():
        if isinstance(found, BackendDict) and found.backend.__name__ == place.kind:
            return found if place[2:] == GLOBAL else found[place.account][place.region]
    raise LookupError(f"moto has no {place.kind}")


def _account(place: Place) -> Any:
    return _found(Place(place.module, place.kind, *GLOBAL))[place.account]


def _aws_policy(account: str, partition: str, arn: str) -> Any:
    return iam_backends[account][partition].managed_policies[arn]


class _Pickler(pickle.Pickler):
    """Writes one service's state; what is another's it only names."""

    def __init__(self, file: io.BytesIO, names: Mapping[int, Place]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._names = names

    def reducer_override(self, found: Any) -> Any:
        kind = type(found)
        if kind in LOCKS:
            return LOCKS[kind], ()
        if isinstance(found, BaseBackend | BackendDict) and id(found) in self._names:
            return _found, (self._names[id(found)],)
        if isinstance(found, AccountSpecificBackend):
            backend = found.backend
            return _account, (Place(backend.__module__, backend.__name__, found.account_id, ""),)
        if isinstance(found, AWSManagedPolicy):
            # There are more than a thousand, which everybody has: only who they are is written.
            named = found.account_id, found.partition, found.arn
            return _aws_policy, named, {"attachment_count": found.attachment_count}
        if isinstance(found, dict) and kind.__module__.startswith("moto."):
            state = (vars(found), list(dict.items(found)), getattr(found, "default_factory", None))
            return kind.__new__, (kind,), state, None, None, _fill
        if kind is FunctionType and _is_plain_lambda(found):
            return _function, (found.__module__, marshal.dumps(found.__code__))
        if kind is WeakValueDictionary:
            return WeakValueDictionary, (), None, None, iter(list(found.items()))
        if isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return _private_key, (_written(found),)
        return NotImplemented


def _is_plain_lambda(found: FunctionType) -> bool:
    return found.__name__ == "<lambda>" and not (found.__closure__ or found.__defaults__)


def _fill(found: Any, state: tuple[dict[str, Any], list[tuple[Any, Any]], Any]) -> None:
    """Fill a dict of a kind of moto's own, which means something of its own by setting an item."""
    attributes, items, default_factory = state
    vars(found).update(attributes)
    dict.update(found, items)
    if default_factory is not None:
        found.default_factory = default_factory


def _function(module: str, code: bytes) -> Any:
    """Return a lambda again: moto has them where a dict makes what it has not."""
    return FunctionType(marshal.loads(code), vars(importlib.import_module(module)))  # noqa: S302


def _written(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _private_key(written: bytes) -> Any:
    return serialization.load_der_private_key(written, None)
