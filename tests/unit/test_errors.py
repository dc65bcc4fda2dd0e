"""The tree of errors."""

from collections.abc import Iterator

import pytest

from odyssey import errors


def tree(kind: type[errors.OdysseyError]) -> Iterator[type[errors.OdysseyError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


EVERY = [kind for kind in tree(errors.OdysseyError) if kind.__module__ == "odyssey.errors"]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_is_drawn_with_its_exit_code(kind: type[errors.OdysseyError]) -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in line]
    assert len(lines) == 1
    inherited = kind.__mro__[1]
    if getattr(inherited, "exit_code", None) != kind.exit_code:
        assert f" {kind.exit_code} " in lines[0]


def test_an_error_has_its_class_s_hint_unless_it_is_given_one() -> None:
    assert "odyssey init" in (errors.AppNotFoundError("x").hint or "")
    assert errors.AppNotFoundError("x", "go home").hint == "go home"
    assert errors.OdysseyError("x").hint is None


def test_the_nearest_word_is_offered_and_a_far_one_is_not() -> None:
    assert errors.did_you_mean("workes", ["workers", "threads"]) == ", did you mean workers?"
    assert errors.did_you_mean("zzz", ["workers", "threads"]) == ""
