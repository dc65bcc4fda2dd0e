"""Filters and joins of transform jobs."""

from typing import Any

import pytest

from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
from odyssey.sandbox.sagemaker.transform_paths import Path, PathError
from odyssey.sandbox.sagemaker.transform_processing import MISMATCH, Processing

RECORD = {"id": 7, "values": [1, 2, 3], "of": {"a": {"b": 1}, "c": 2}}


@pytest.mark.parametrize(
    ("path", "picked"),
    [
        ("$", RECORD),
        ("", RECORD),
        ("$.id", 7),
        ("$['id']", 7),
        ("$['id','values']", {"id": 7, "values": [1, 2, 3]}),
        ("$.of.['a', 'c']", {"a": {"b": 1}, "c": 2}),
        ("$.of.a.b", 1),
        ("$.of.*", [{"b": 1}, 2]),
        ("$.values[0]", 1),
        ("$.values[-1]", 3),
        ("$.values[0,-1]", [1, 3]),
        ("$.values[*]", [1, 2, 3]),
        ("$.values[:]", [1, 2, 3]),
        ("$.values[1:]", [2, 3]),
        ("$.values[0, 1:]", [1, 2, 3]),
    ],
)
def test_a_path_picks(path: str, picked: Any) -> None:
    assert Path.parse(path).pick(RECORD) == picked


def test_the_end_of_a_range_counts() -> None:
    row = ["a", "b", "c", "d"]
    assert Path.parse("$[0:2]").pick(row) == ["a", "b", "c"]
    assert Path.parse("$[:1]").pick(row) == ["a", "b"]
    assert Path.parse("$[1:-1]").pick(row) == ["b", "c", "d"]


def test_a_path_goes_into_each_element() -> None:
    assert Path.parse("$[0:1].a").pick([{"a": 1}, {"a": 2}]) == [1, 2]


@pytest.mark.parametrize(
    "path", ["id", "$id", "$.", "$[", "$[a]", "$[0:1,2:3]", "$['a", "$[0", "$[]", "$..a"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError, match="Invalid JsonPath"):
        Path.parse(path)


@pytest.mark.parametrize(
    "path", ["$.name", "$['id','name']", "$.values[3]", "$.values[-4]", "$.values[1:3]", "$[0]"]
)
def test_what_a_record_has_not_is_an_error(path: str) -> None:
    with pytest.raises(PathError):
        Path.parse(path).pick(RECORD)


def processing(kind: str, split: str = "Line", **wanted: str) -> Processing:
    return Processing(
        {"DataProcessing": wanted, "TransformInput": {"ContentType": kind, "SplitType": split}}
    )


def csv(**wanted: str) -> Processing:
    return processing("text/csv; charset=utf-8", **wanted)


def json(**wanted: str) -> Processing:
    return processing("application/jsonlines", **wanted)


def test_without_filters_nothing_is_read() -> None:
    for nothing in (csv(), csv(InputFilter="$", OutputFilter="$", JoinSource="None")):
        assert not nothing.is_needed
        assert nothing.asked(b'"\xff') == nothing.told(b"", b'"\xff') == b'"\xff'


def test_columns_are_left_out_and_joined() -> None:
    rows = csv(InputFilter="$[1:]", JoinSource="Input", OutputFilter="$[0,-1]")
    assert rows.is_needed
    assert rows.asked(b"a,1,2\nb,3,4\n") == b"1,2\n3,4\n"
    assert rows.asked(b"a,1,2") == b"1,2"
    assert rows.told(b"a,1,2\nb,3,4\n", b"x\ny\n") == b"a,x\nb,y"


def test_one_column_is_a_row() -> None:
    assert csv(InputFilter="$[0]").asked(b"a,b\nc,d\n") == b"a\nc\n"


def test_csv_is_quoted_as_it_must_be() -> None:
    rows = csv(JoinSource="Input")
    assert rows.told(b'"a,b","c ""d"""\r\n', b'"x,y"\r\n') == b'"a,b","c ""d""","x,y"'


def test_large_fields_of_csv_are_read() -> None:
    large = b"x" * 200_000
    assert csv(InputFilter="$[0]").asked(large + b",1") == large


def test_answers_become_a_member_of_objects() -> None:
    lines = json(InputFilter="$.x", JoinSource="Input")
    records = b'{"id":1,"x":[1.5,2]}\n{"id":2,"x":"\xc3\xa4"}\n'
    assert lines.asked(records) == b'[1.5,2]\n"\xc3\xa4"\n'
    assert lines.told(records, b'{"label": 1}\n3\n') == (
        b'{"id":1,"x":[1.5,2],"SageMakerOutput":{"label":1}}\n'
        b'{"id":2,"x":"\xc3\xa4","SageMakerOutput":3}'
    )


def test_what_is_no_object_becomes_a_member_itself() -> None:
    lines = json(JoinSource="Input")
    assert lines.told(b"[1,2]", b"3") == b'{"SageMakerInput":[1,2],"SageMakerOutput":3}'


def test_the_joined_object_is_filtered() -> None:
    lines = json(JoinSource="Input", OutputFilter="$['id','SageMakerOutput']")
    assert lines.told(b'{"id":1,"x":2}', b"3") == b'{"id":1,"SageMakerOutput":3}'


def test_the_answer_alone_is_filtered() -> None:
    assert json(OutputFilter="$.label").told(b"?\n?", b'{"label":1}\n{"label":2}') == b"1\n2"


def test_a_json_document_may_have_several_lines() -> None:
    document = processing("application/json", "None", InputFilter="$.x", JoinSource="Input")
    assert document.asked(b'{\n"x": [1]\n}\n') == b"[1]\n"
    assert document.told(b'{\n"x": 1\n}\n', b"{\n}\n") == b'{"x":1,"SageMakerOutput":{}}'


def test_other_separators_of_lines_are_part_of_them() -> None:
    assert json(InputFilter="$.x").asked('{"x":"a\u2028b"}'.encode()) == '"a\u2028b"'.encode()


@pytest.mark.parametrize("answer", [b"1\n", b"1\n2\n3\n", b"[1,2]"])
def test_answers_that_are_not_as_many_as_the_records_cannot_be_joined(answer: bytes) -> None:
    with pytest.raises(ObjectFailedError, match=MISMATCH):
        json(JoinSource="Input").told(b"1\n2\n", answer)


@pytest.mark.parametrize(
    ("wrong", "records", "why"),
    [
        (csv(InputFilter="$[1:]"), b"a\n", r"\$\[1:\]: index out of range: 1 of 1"),
        (csv(InputFilter="$[0]"), b'"a\nb"\n', "Failed to parse the input as CSV"),
        (csv(InputFilter="$[0]"), b'"a"b,c\n', "Failed to parse the input as CSV"),
        (csv(InputFilter="$[0]"), b"\xff", "Failed to parse the input as CSV"),
        (json(InputFilter="$.x"), b'{"x":1}\n{', "Failed to parse the input as JSON"),
    ],
)
def test_records_that_are_otherwise_fail(wrong: Processing, records: bytes, why: str) -> None:
    with pytest.raises(ObjectFailedError, match=why):
        wrong.asked(records)


def test_an_answer_that_is_otherwise_fails() -> None:
    with pytest.raises(ObjectFailedError, match="Failed to parse output from the algorithm as J"):
        json(JoinSource="Input").told(b"{}", b"<html>")
