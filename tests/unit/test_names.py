"""The rule for an app's name, against AWS's own patterns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey import names
from odyssey.errors import InvalidNameError

ENDPOINT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
STACK = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
"""With what is appended a bucket's name is never too short."""

NAMES = st.from_regex(r"[a-z]([a-z0-9]|-(?!-)){1,30}", fullmatch=True)
NEAR_NAMES = st.text(alphabet="abzAZ09-_. é", max_size=40)


@pytest.mark.parametrize("name", ["ab", "testapp", "test-app", "a1", "a" * 31, "a-b-c-1"])
def test_a_good_name_is_taken(name: str) -> None:
    assert names.problem(name) is None
    assert names.check(name) == name


@pytest.mark.parametrize(
    ("name", "said", "nearest"),
    [
        ("test_app", 'has "_"', "test-app"),
        ("test.app", 'has "."', "test-app"),
        ("test app", "has a space", "test-app"),
        ("TestApp", "upper case", "testapp"),
        ("Test_App", 'has "_"', "test-app"),
        ("1app", 'starts with "1"', "app"),
        ("-app", 'starts with "-"', "app"),
        ("app-", "ends with a hyphen", "app"),
        ("my--app", 'has "--"', "my-app"),
        ("a" * 32, "has 32 characters", "a" * 31),
        ("a", "has 1 character,", None),
        ("", "has 0 characters", None),
        ("café", 'has "é"', "cafe"),
        ("../up", 'has "."', "up"),
        ("日本", 'has "日"', None),
    ],
)
def test_a_bad_name_is_refused_with_its_rule_and_a_name_that_fits(
    name: str, said: str, nearest: str | None
) -> None:
    assert names.suggest(name) == nearest
    with pytest.raises(InvalidNameError) as caught:
        names.check(name)
    message = caught.value.message
    assert said in message
    assert (f'try "{nearest}"' if nearest else names.RULE) in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_control_characters_are_spelled_out_in_the_message() -> None:
    with pytest.raises(InvalidNameError) as caught:
        names.check("a\x1b[31m\n")
    assert caught.value.message.isprintable()


@given(NEAR_NAMES | NAMES)
def test_a_name_that_is_taken_fits_every_pattern_of_aws(name: str) -> None:
    if names.problem(name) is None:
        assert ENDPOINT.fullmatch(name)
        assert REPOSITORY.fullmatch(name)
        assert STACK.fullmatch(name)
        assert BUCKET.fullmatch(name)
        assert 2 <= len(name) <= 31


@given(NEAR_NAMES | st.text(max_size=60))
def test_a_suggestion_is_itself_a_good_name(name: str) -> None:
    nearest = names.suggest(name)
    if nearest is not None:
        assert names.problem(nearest) is None


@given(NAMES)
def test_a_good_name_is_its_own_suggestion(name: str) -> None:
    if names.problem(name) is None:
        assert names.suggest(name) == name
