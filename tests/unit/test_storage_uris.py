"""URIs of S3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey.errors import UsageError
from odyssey.storage import Uri


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://data/iris/train.csv", "data", "iris/train.csv"),
        ("s3://data/iris/", "data", "iris/"),
        ("s3://data/", "data", ""),
        ("s3://my.data-1", "my.data-1", ""),
        ("s3://data//x", "data", "/x"),
        ("s3://data/ü x", "data", "ü x"),
    ],
)
def test_a_uri_is_a_bucket_and_a_key(text: str, bucket: str, key: str) -> None:
    assert Uri.parse(text) == Uri(bucket, key)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data/iris", "no URI of S3"),
        ("https://data/iris", "no URI of S3"),
        ("s3:/data/iris", "no URI of S3"),
        ("S3://data/x", "no URI of S3"),
        ("s3://data/\x1b[31m", "no URI of S3"),
        ("s3://", "3 to 63"),
        ("s3:///key", "3 to 63"),
        ("s3://Data/x", "3 to 63"),
        ("s3://da_ta/x", "3 to 63"),
        ("s3://ab/x", "3 to 63"),
        ("s3://" + "a" * 64, "3 to 63"),
        ("s3://-data/x", "3 to 63"),
        ("s3://da..ta/x", "no two dots together"),
        ("s3://10.0.0.1/x", "no IP address"),
        ("s3://data/" + "ü" * 513, "1026 bytes, and 1024 is the limit"),
    ],
)
def test_what_s3_does_not_take_is_refused_with_the_rule(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Uri.parse(text)
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("start", ["s3://data/iris", "s3://data/iris/"])
def test_a_name_below_comes_after_one_slash(start: str) -> None:
    assert str(Uri.parse(start) / "train.csv") == "s3://data/iris/train.csv"


def test_a_name_below_a_bucket_is_its_key() -> None:
    assert Uri("data") / "x" == Uri("data", "x")


@given(st.from_regex(r"[a-z][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True), st.text(max_size=50))
def test_a_uri_that_is_parsed_is_the_text_again(bucket: str, key: str) -> None:
    text = f"s3://{bucket}/{key}"
    if text.isprintable():
        assert str(Uri.parse(text)) == text
