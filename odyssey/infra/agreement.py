"""Settings beside each other: those that have no effect, and environments in each other's way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from odyssey import names
from odyssey.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odyssey.config import Config

Condition = Callable[[Any], bool]
"""A test of the settings."""

_ALWAYS: tuple[str, Condition] = ("", lambda _: True)
_SAGEMAKER = ("app.service names sagemaker", lambda s: s.app.on_sagemaker)
_LAMBDA = ("app.service names lambda", lambda s: s.app.on_lambda)
_ON_INSTANCES = ("endpoint.kind has instances", lambda s: s.endpoint.kind != "serverless")
_SERVERLESS = ("endpoint.kind is serverless", lambda s: s.endpoint.kind == "serverless")
_REAL_TIME = ("endpoint.kind is instance", lambda s: s.endpoint.kind == "instance")
_ASYNC = ("endpoint.kind is async", lambda s: s.endpoint.kind == "async")
_SCALES = ("scaling.max_capacity is set", lambda s: s.scaling.max_capacity > 0)
_GRADUAL = ("rollout.kind is gradual", lambda s: s.rollout.kind != "all-at-once")
_WAITS = ("rollout.kind is not rolling", lambda s: s.rollout.kind != "rolling")
_CAPTURES = ("data_capture.percent is set", lambda s: s.data_capture.percent > 0)
_BOOTSTRAPPED = ("aws.bootstrap is true", lambda s: s.aws.bootstrap)
_ALARMED = (
    "there is an alarm",
    lambda s: bool(s.alarms.errors_5xx or s.alarms.model_latency_ms) or _GRADUAL[1](s),
)

_EFFECTS: dict[str, tuple[str, Condition]] = {
    "endpoint.": _SAGEMAKER,
    "scaling.": _SAGEMAKER,
    "rollout.": _SAGEMAKER,
    "alarms.": _SAGEMAKER,
    "data_capture.": _CAPTURES,
    "async_inference.": _ASYNC,
    "function.": _LAMBDA,
    "aws.qualifier": _BOOTSTRAPPED,
    "endpoint.instance_type": _ON_INSTANCES,
    "endpoint.instance_count": _ON_INSTANCES,
    "endpoint.volume_gb": _ON_INSTANCES,
    "endpoint.startup_timeout": _ON_INSTANCES,
    "endpoint.memory_mb": _SERVERLESS,
    "endpoint.max_concurrency": _SERVERLESS,
    "endpoint.provisioned_concurrency": _SERVERLESS,
    "scaling.min_capacity": _SCALES,
    "scaling.scale_in_cooldown": _SCALES,
    "scaling.scale_out_cooldown": _SCALES,
    "scaling.invocations_per_instance": _REAL_TIME,
    "scaling.backlog_per_instance": _ASYNC,
    "scaling.utilization": _SERVERLESS,
    "rollout.kind": _ON_INSTANCES,
    "rollout.percent": _GRADUAL,
    "rollout.wait": _GRADUAL,
    "rollout.termination_wait": _WAITS,
    "alarms.topic": _ALARMED,
}
"""When a key, or a section, has an effect: in words, and as a test of the settings."""

_OWN = (
    "foundation.bucket",
    "foundation.repository",
    "endpoint.name",
    "function.train_name",
    "function.serve_name",
)
"""Names that no two environments can share."""


def notes(settings: Config) -> Iterator[str]:
    """Yield what is worth a word about the settings of an environment, though it is allowed."""
    place = f"[env.{settings.env}] " if settings.env else ""
    if lacking := _lacking(settings):
        yield f"{place}[artifacts]: {lacking}"
    for path, value in settings.values.items():
        if value.origin == "default":
            continue
        for key in (f"{path.partition('.')[0]}.", path):
            words, holds = _EFFECTS.get(key, _ALWAYS)
            if not holds(settings):
                yield f"{place}{path} has no effect unless {words} ({value.origin})"
                break


def _lacking(settings: Config) -> str | None:
    """Return what no command has recorded yet, and what is not there therefore."""
    made = settings.artifacts
    if made.image and not made.model and settings.app.service == "lambda":
        return "no model is recorded, so there is no serve function yet"
    missing = [f"no {name} is recorded" for name in ("image", "model") if not getattr(made, name)]
    if not missing:
        return None
    return f"{' and '.join(missing)}, so there is nothing to serve yet"


def require_own_names(environments: Sequence[Config]) -> None:
    """Make sure that no two environments give the same name to what there can be one of.

    Raises:
        ConfigError: Two do; the message has all of them.
    """
    problems = [text for settings in environments for text in _same_function(settings)]
    given: Counter[tuple[str, ...]] = Counter()
    for settings in environments:
        where = (settings.aws.account, settings.aws.region)
        for path in _OWN:
            name = str(settings.values[path].value)
            # The names of buckets are those of the whole world.
            given[(path, name, *(() if path == "foundation.bucket" else where))] += 1
    problems += [
        f'{path}: "{name}" is the name in {count} environments, and each needs its own: '
        f"set it under [env.NAME.{path.partition('.')[0]}]"
        for (path, name, *_), count in given.items()
        if name and count > 1
    ]
    if problems:
        raise ConfigError(problems)


def _same_function(settings: Config) -> Iterator[str]:
    """Yield a problem where both functions of an environment would have one name."""
    train, serve = (names.function(settings, part) for part in ("train", "serve"))
    if settings.app.on_lambda and train == serve:
        yield (
            f'function.train_name and function.serve_name: "{train}" is the name of both, and '
            "each function needs its own"
        )
