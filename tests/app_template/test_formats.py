"""The table of formats: every decoder and encoder, with orjson and without."""

import datetime
import importlib.util
import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rocket import formats
from rocket.errors import RequestError
from rocket.formats import Answers, Unfit

PRESENT = {"header": "present"}


@pytest.fixture(params=["orjson", "standard-library"])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """JSON with orjson, and as it is where requirements.txt does not name it."""
    if request.param == "standard-library":
        monkeypatch.setattr(formats, "orjson", None)
    else:
        assert formats.orjson is not None
    return str(request.param)


def both_writers(check) -> None:
    """Runs a check with orjson and without it, for tests that draw their own examples."""
    with pytest.MonkeyPatch.context() as patch:
        check()
        patch.setattr(formats, "orjson", None)
        check()


def refused(decode, body: bytes, parameters=None) -> str:
    """The message of the 400 that a body gets."""
    with pytest.raises(RequestError) as caught:
        decode(body, parameters or {})
    assert caught.value.status == 400
    return caught.value.message


def read_or_refused(decode, body: bytes, parameters):
    """What a body says, or None where it gets a 400; anything else that is raised passes."""
    try:
        return decode(body, parameters)
    except RequestError as error:
        if error.status != 400:
            raise
        return None


def read_back(table: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(table), header=None)


# --- character sets ---------------------------------------------------------------------------


class TestText:
    def test_utf_8_is_the_default(self) -> None:
        assert formats.text("é".encode(), {}) == "é"

    def test_the_charset_parameter_is_obeyed(self) -> None:
        assert formats.text("é".encode("latin-1"), {"charset": "latin-1"}) == "é"
        assert formats.text("é".encode("utf-16"), {"charset": "utf-16"}) == "é"

    def test_a_byte_order_mark_is_no_part_of_the_text(self) -> None:
        assert formats.text(b"\xef\xbb\xbfa", {}) == "a"
        assert formats.text("\ufeffa".encode("utf-16-le"), {"charset": "utf-16-le"}) == "a"

    def test_bytes_that_are_no_text_are_refused_with_their_position(self) -> None:
        message = refused(formats.text, b"ab\xff")
        assert message == "the body is not valid utf-8: invalid start byte at byte 3"

    @pytest.mark.parametrize("charset", ["klingon", "", "base64", "rot13", "hex"])
    def test_a_character_set_that_is_none_is_415(self, charset: str) -> None:
        with pytest.raises(RequestError, match="charset=") as caught:
            formats.text(b"a", {"charset": charset})
        assert caught.value.status == 415

    @pytest.mark.parametrize("charset", ["idna", "undefined", "a\0b"])
    def test_a_character_set_that_fails_in_its_own_way_is_400(self, charset: str) -> None:
        assert "not valid" in refused(formats.text, b"xn--a\xff.b", {"charset": charset})

    @given(body=st.binary(), charset=st.sampled_from(["utf-8", "utf-16", "utf-7", "ascii"]))
    def test_any_bytes_are_text_or_refused(self, body: bytes, charset: str) -> None:
        got = read_or_refused(formats.text, body, {"charset": charset})
        assert got is None or isinstance(got, str)


# --- application/json -------------------------------------------------------------------------

# Integers beyond 64 bits are a float to orjson, exact to Python.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


class TestJson:
    @given(value=json_values)
    def test_what_was_written_is_what_is_read(self, value: object) -> None:
        def check() -> None:
            # A string on its own may be JSON already, which is then sent as it is.
            record = {"value": value}
            assert formats.decode_json(formats.encode_json(record), {}) == record
            assert json.loads(formats.encode_json(record)) == record
            assert formats.decode_json(json.dumps(record).encode("utf-16"), {"charset": "utf-16"})

        both_writers(check)

    def test_decoding(self, writer: str) -> None:
        assert formats.decode_json(b' {"a": [1, 2.5, null]}\n', {}) == {"a": [1, 2.5, None]}
        assert formats.decode_json(b"\xef\xbb\xbf5", {}) == 5
        assert formats.decode_json('"é"'.encode("latin-1"), {"charset": "latin-1"}) == "é"
        assert formats.decode_json(b"5", {"profile": "x"}) == 5

    def test_numbers_that_only_python_writes_are_let_through(self, writer: str) -> None:
        nan, infinity, low = formats.decode_json(b"[NaN, Infinity, -Infinity]", {})
        assert math.isnan(nan)
        assert (infinity, low) == (math.inf, -math.inf)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"a": }', "malformed JSON: Expecting value at line 1, column 7"),
            (b'{\n"a": 1,\n"b" 2}', "line 3, column 5"),
            (b"[1] 2", "Extra data"),
            (b"[" * 200_000, "nested too deeply"),
            (b"1" * 5000, "digits"),
            (b'"\xff"', "byte 2"),
            (b'{"a": "b\n"}', "control character"),
        ],
    )
    def test_malformed_documents_are_refused_and_say_where(
        self, writer: str, body: bytes, words: str
    ) -> None:
        assert words in refused(formats.decode_json, body)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (None, None),
            (True, True),
            (5, 5),
            (2**70, 2**70),
            (2.5, 2.5),
            ("plain words", "plain words"),
            ('{"already": "JSON"}', {"already": "JSON"}),
            ("[1, 2", "[1, 2"),
            ([1, (2, 3), {4}, frozenset([5])], [1, [2, 3], [4], [5]]),
            ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
            ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
            ({}, {}),
            (Answers([1, '{"a": 1}', "b"]), [1, {"a": 1}, "b"]),
            (Answers(), []),
            ("\ud800", "\ud800"),
            ({"half a character": "\ud800"}, {"half a character": "\ud800"}),
        ],
    )
    def test_pythons_own_types(self, writer: str, answer: object, expected: object) -> None:
        assert json.loads(formats.encode_json(answer)) == expected

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (np.float64(1.5), 1.5),
            (np.float32(0.5), 0.5),
            (np.int32(7), 7),
            (np.uint64(2**63), 2**63),
            (np.bool_(True), True),
            ({"label": np.str_("setosa")}, {"label": "setosa"}),
            (np.array(3), 3),
            (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
            (np.arange(6).reshape(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
            (np.array(["a", None], dtype=object), ["a", None]),
            (np.array(["ab", "c"]), ["ab", "c"]),
            (np.array([True, False]), [True, False]),
            (np.array([0.5], dtype=np.float16), [0.5]),
            (np.array([], dtype=float), []),
            ([np.int64(1), np.array([2.5])], [1, [2.5]]),
            (np.array(["2026-01-02"], dtype="datetime64[s]"), ["2026-01-02T00:00:00"]),
            # As in dict(zip(model.classes_, probabilities)).
            ({np.int64(0): 0.25, np.int64(1): np.float64(0.75)}, {"0": 0.25, "1": 0.75}),
            ({np.str_("a"): np.float32(0.5)}, {"a": 0.5}),
        ],
    )
    def test_numpys_types(self, writer: str, answer: object, expected: object) -> None:
        assert json.loads(formats.encode_json(answer)) == expected

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2}]),
            (pd.DataFrame([[1, 2.5]]), [{"0": 1, "1": 2.5}]),
            (pd.Series([1.5, None]), [1.5, None]),
            (pd.Series([1, None], dtype="Int64"), [1, None]),
            (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), [{"a": 1}, {"a": None}]),
            (pd.Series(["x", "y"], dtype="category"), ["x", "y"]),
            (pd.Index([1, 2]), [1, 2]),
            (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
            (pd.Series(pd.to_datetime(["2026-01-02", None])), ["2026-01-02T00:00:00", None]),
            ({"none": pd.NA, "never": pd.NaT}, {"none": None, "never": None}),
            ({"table": pd.DataFrame({"a": [1]})}, {"table": [{"a": 1}]}),
            ({pd.Timestamp("2026-01-02"): 1}, {"2026-01-02T00:00:00": 1}),
        ],
    )
    def test_pandas_types(self, writer: str, answer: object, expected: object) -> None:
        got = json.loads(formats.encode_json(answer))
        if isinstance(expected, list) and isinstance(expected[0], dict):
            got = [{key: row[key] for key in wanted} for row, wanted in zip(got, expected)]  # noqa: B905
        assert got == expected

    def test_dates_are_written_as_iso_8601(self, writer: str) -> None:
        answer = {"day": datetime.date(2026, 1, 2), "hour": datetime.datetime(2026, 1, 2, 3)}
        assert json.loads(formats.encode_json(answer)) == {
            "day": "2026-01-02",
            "hour": "2026-01-02T03:00:00",
        }

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("wrap", [float, np.float64, np.float32, lambda x: np.array([x])])
    def test_what_is_no_number_is_null(self, writer: str, number: float, wrap) -> None:
        written = formats.encode_json({"a": [wrap(number)], "b": (1, "x", None)})
        null = [None] if wrap(number) is not None and np.ndim(wrap(number)) else None
        assert json.loads(written) == {"a": [null], "b": [1, "x", None]}

    @pytest.mark.parametrize("answer", [b"x", bytearray(b"x"), memoryview(b"x")])
    def test_bytes_do_not_fit(self, answer: object) -> None:
        with pytest.raises(Unfit):
            formats.encode_json(answer)

    @pytest.mark.parametrize("answer", [object(), 1j, {"a": [object()]}, np.array([1j]), b"x"])
    def test_what_json_has_no_word_for_does_not_fit(self, writer: str, answer: object) -> None:
        with pytest.raises(Unfit):
            formats.encode_json(answer)


# --- application/jsonlines --------------------------------------------------------------------


class TestJsonlines:
    def test_each_line_is_a_record_and_empty_lines_are_passed_over(self) -> None:
        body = b'\xef\xbb\xbf{"a": 1}\r\n\n  \n2\n"x"'
        assert formats.decode_jsonlines(body, {}) == [{"a": 1}, 2, "x"]
        assert formats.decode_jsonlines("[1]\n2".encode("utf-16"), {"charset": "utf-16"}) == [
            [1],
            2,
        ]

    @given(before=st.lists(st.sampled_from(["1", "{}", "", "  ", '"x"'])))
    def test_a_malformed_line_is_named(self, before: list[str]) -> None:
        body = "\n".join([*before, '{"a": }', "oops"]).encode()
        message = refused(formats.decode_jsonlines, body)
        line = len(before) + 1
        assert message.startswith(f"malformed JSON: Expecting value at line {line}, column ")

    @pytest.mark.parametrize("body", [b"\n", b" \r\n \n", b""])
    def test_no_record_is_refused(self, body: bytes) -> None:
        assert "no record" in refused(formats.decode_jsonlines, body)

    @pytest.mark.parametrize(
        ("answer", "lines"),
        [
            (Answers([{"a": 1}, "x", None]), ['{"a":1}', '"x"', "null"]),
            (Answers([[1, 2], [3]]), ["[1,2]", "[3]"]),
            ([1, "b"], ["1", '"b"']),
            ((1, 2), ["1", "2"]),
            ({"a": [1]}, ['{"a":[1]}']),
            (5, ["5"]),
            (np.float64(2.5), ["2.5"]),
            (np.arange(4).reshape(2, 2), ["[0,1]", "[2,3]"]),
            (pd.Series(["x", "y"]), ['"x"', '"y"']),
            (pd.DataFrame({"a": [1, 2]}), ['{"a":1}', '{"a":2}']),
            ([], []),
        ],
    )
    def test_a_line_for_each_record(self, writer: str, answer: object, lines: list[str]) -> None:
        written = formats.encode_jsonlines(answer).decode()
        assert written.replace(" ", "").splitlines() == lines
        assert written == "" or written.endswith("\n")

    def test_a_string_that_is_json_over_several_lines_becomes_one_line(self, writer: str) -> None:
        documents = [{"a": [1, {"b": "c\nd"}]}, {"e": 2}]
        answer = Answers(json.dumps(document, indent=2) for document in documents)
        written = formats.encode_jsonlines(answer)
        assert [json.loads(line) for line in written.splitlines()] == documents

    @given(records=st.lists(json_values, min_size=1))
    def test_what_was_written_is_what_is_read(self, records: list[object]) -> None:
        wrapped = [{"value": record} for record in records]

        def check() -> None:
            assert formats.decode_jsonlines(formats.encode_jsonlines(wrapped), {}) == wrapped

        both_writers(check)


# --- text/csv, read ---------------------------------------------------------------------------

numbers = st.integers(-(2**63), 2**63 - 1).map(str) | st.floats(
    allow_nan=False, allow_infinity=False
).map(repr)
words = st.text(alphabet="abcxyz é-_", min_size=1).map(str.strip).filter(bool)
quoted = st.text(alphabet='ab,"\n é', min_size=1).map(lambda x: '"' + x.replace('"', '""') + '"')
missing = st.sampled_from(["", "NA", "nan"])


@st.composite
def tables(draw, fields=numbers | words | quoted | missing) -> list[list[str]]:
    """Well-formed tables; a field of the first column is never blank, lest the line is."""
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(fields, min_size=width, max_size=width), min_size=1, max_size=6))
    return [[row[0] or '""', *row[1:]] for row in rows]


def lines(rows: list[list[str]], end: str = "\n") -> bytes:
    return "".join(",".join(row) + end for row in rows).encode()


class TestReadingTables:
    @given(rows=tables(), end=st.sampled_from(["\n", "\r\n"]))
    def test_well_formed_tables_are_read_as_pandas_reads_them(
        self, rows: list[list[str]], end: str
    ) -> None:
        body = lines(rows, end)
        expected = pd.read_csv(io.BytesIO(body), header=None)
        pd.testing.assert_frame_equal(formats.decode_csv(body, {}), expected)

    @given(rows=tables())
    def test_a_line_of_names_names_the_columns(self, rows: list[list[str]]) -> None:
        names = [f"n{place}" for place in range(len(rows[0]))]
        body = lines([names, *rows])
        expected = pd.read_csv(io.BytesIO(body))
        pd.testing.assert_frame_equal(formats.decode_csv(body, PRESENT), expected)

    @given(
        width=st.integers(2, 5),
        height=st.integers(1, 6),
        place=st.integers(0, 5),
        change=st.sampled_from([-1, 1, 2]),
        parameters=st.sampled_from([{}, PRESENT, {"header": "absent"}]),
        field=st.sampled_from(["1", "x", "2.5"]),
    )
    def test_ragged_tables_are_refused_with_the_line(
        self, width: int, height: int, place: int, change: int, parameters, field: str
    ) -> None:
        # given: a line, not the first, with fewer or more fields than the others
        ragged = 1 + place % height
        rows = [[field] * width for _ in range(height + 1)]
        rows[ragged] = [field] * (width + change)
        # when
        message = refused(formats.decode_csv, lines(rows), parameters)
        # then
        assert message == (
            f"malformed CSV: line {ragged + 1} has {width + change} fields, "
            f"the first line has {width}"
        )

    @pytest.mark.parametrize("parameters", [{}, PRESENT])
    @pytest.mark.parametrize(
        ("body", "line"),
        [
            (b"1,2\n\n \n1\n", 4),  # lines without a record count all the same
            (b'"a\nb",2\n1\n', 3),  # so do line breaks within quotes
            (b'"a,b",2\n"c",3,4\n', 2),
            (b"1,2\r1,2\r1\r", 3),
            (b"1,\n2,\n3\n", 3),
            ("é,2\né\n".encode(), 2),
            (b"\xef\xbb\xbf1,2\n3\n", 2),
        ],
    )
    def test_the_ragged_line_is_found(self, body: bytes, line: int, parameters) -> None:
        assert f"malformed CSV: line {line} has " in refused(formats.decode_csv, body, parameters)

    @pytest.mark.parametrize("parameters", [{}, PRESENT])
    @pytest.mark.parametrize("body", [b'1,2\n1,"2\n', b'"', b'a,b\n1,2\n"x,\n'])
    def test_a_quote_that_never_ends_is_refused(self, body: bytes, parameters) -> None:
        assert "malformed CSV: line" in refused(formats.decode_csv, body, parameters)

    def test_blank_lines_are_no_records(self) -> None:
        frame = formats.decode_csv(b'\n"a",1\n \n\t\n"b",\n\n', {})
        assert frame[0].tolist() == ["a", "b"]

    @pytest.mark.parametrize("parameters", [{}, PRESENT])
    @pytest.mark.parametrize("body", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
    def test_no_line_is_refused(self, body: bytes, parameters) -> None:
        assert "no record" in refused(formats.decode_csv, body, parameters)

    def test_names_alone_are_refused(self) -> None:
        assert "no record" in refused(formats.decode_csv, b"a,b\n", PRESENT)

    def test_another_header_is_refused(self) -> None:
        assert "must be present or absent" in refused(formats.decode_csv, b"1", {"header": "maybe"})

    def test_character_sets(self) -> None:
        for charset in ("latin-1", "utf-16", "utf-8"):
            frame = formats.decode_csv("é,1\n".encode(charset), {"charset": charset})
            assert frame.iloc[0].tolist() == ["é", 1]
        assert formats.decode_csv(b"\xef\xbb\xbf1,2\n", {}).iloc[0].tolist() == [1, 2]
        assert list(formats.decode_csv(b"\xef\xbb\xbfa,b\n1,2\n", PRESENT)) == ["a", "b"]
        assert "byte 3" in refused(formats.decode_csv, b"1,\xff\n")

    def test_half_a_character_does_no_harm(self) -> None:
        body, parameters = b"+2AA-,1\n", {"charset": "utf-7"}
        assert formats.decode_csv(body, parameters).iloc[0, 1] == 1

    @pytest.mark.filterwarnings("ignore::pandas.errors.DtypeWarning")
    def test_a_large_table_has_one_type_a_column(self) -> None:
        # given: parts of a table that would each be read as another type
        rows = [b"1,2"] * 300_000 + [b"x,2"]
        # when
        frame = formats.decode_csv(b"\n".join(rows), {})
        # then
        assert len(frame) == len(rows)
        assert set(map(type, frame[0])) == {str}

    def test_a_field_may_be_longer_than_the_csv_modules_limit(self) -> None:
        long = b"x" * 200_000
        body = b"a,b\n" + long + b",1\n"
        assert len(formats.decode_csv(body, PRESENT)["a"][0]) == len(long)

    @given(body=st.text(alphabet='0123456789.,-eE+"\n\r ;naifé', max_size=60))
    @pytest.mark.parametrize("parameters", [{}, PRESENT])
    def test_any_text_is_a_table_or_refused(self, body: str, parameters) -> None:
        frame = read_or_refused(formats.decode_csv, body.encode(), parameters)
        assert frame is None or len(frame) > 0


# --- text/csv, written ------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
shapes = st.tuples(st.integers(1, 8), st.integers(1, 4))
integers = arrays.arrays(np.int64, shapes)
floats = arrays.arrays(np.float64, shapes)
others = arrays.arrays(st.sampled_from([np.int32, np.float32, np.uint8]), shapes)


class TestWritingTables:
    @given(values=integers | floats)
    def test_numbers_are_read_back_as_they_were(self, values: np.ndarray) -> None:
        def check() -> None:
            table = read_back(formats.encode_csv(pd.DataFrame(values)))
            np.testing.assert_array_equal(table.to_numpy(dtype=values.dtype), values)
            np.testing.assert_array_equal(formats.encode_csv(values), formats.encode_csv(values))

        both_writers(check)

    @given(values=others)
    def test_narrow_numbers_are_read_back_as_they_were(self, values: np.ndarray) -> None:
        def check() -> None:
            table = read_back(formats.encode_csv(values))
            np.testing.assert_array_equal(table.to_numpy().astype(values.dtype), values)

        both_writers(check)

    @given(values=integers | floats)
    def test_a_table_has_a_line_for_each_record(self, values: np.ndarray) -> None:
        def check() -> None:
            for answer in (values, pd.DataFrame(values), values[:, 0], pd.Series(values[:, 0])):
                written = formats.encode_csv(answer)
                assert written.endswith(b"\n")
                assert len(written.split(b"\n")) == len(values) + 1
                assert b"\n\n" not in b"\n" + written  # Readers pass over blank lines.

        both_writers(check)

    def test_missing_numbers_are_written_as_pandas_writes_them(self, writer: str) -> None:
        for frame in (
            pd.DataFrame([[1.5, math.nan], [math.nan, 2.5]]),
            pd.DataFrame([1.5, math.nan, 2.5]),
            pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
        ):
            expected = frame.to_csv(header=False, index=False).encode()
            assert formats.encode_csv(frame) == expected

    def test_infinite_numbers_are_written(self, writer: str) -> None:
        written = formats.encode_csv(np.array([[1.5, math.inf], [-math.inf, math.nan]]))
        assert written == b"1.5,inf\n-inf,\n"

    @pytest.mark.parametrize("rows", [formats.PART - 1, formats.PART, formats.PART + 1])
    def test_tables_of_several_parts_are_whole(self, writer: str, rows: int) -> None:
        written = formats.encode_csv(np.arange(2 * rows).reshape(rows, 2))
        assert written == "".join(f"{2 * n},{2 * n + 1}\n" for n in range(rows)).encode()

    def test_columns_of_a_larger_table(self, writer: str) -> None:
        frame = pd.DataFrame(np.arange(6.0).reshape(2, 3)).iloc[:, [2, 0]]
        assert formats.encode_csv(frame) == b"2.0,0.0\n5.0,3.0\n"

    @pytest.mark.parametrize(
        ("answer", "written"),
        [
            ("ready,made\n", "ready,made\n"),
            (5, "5\n"),
            (2.5, "2.5\n"),
            (True, "True\n"),
            (np.int64(5), "5\n"),
            (np.array(5), "5\n"),
            ([1, 2], "1\n2\n"),
            ((1, 2), "1\n2\n"),
            ([[1, 2], [3, 4]], "1,2\n3,4\n"),
            ([], ""),
            (["a", "b"], "a\nb\n"),
            (["a,b", 'c"d'], '"a,b"\n"c""d"\n'),
            # Labels are labels, whatever they look like; JSON strings are what they say.
            (["true", "null", "1e3", "007", "NaN"], "true\nnull\n1e3\n007\nNaN\n"),
            (Answers(['"a"', '"b"']), "a\nb\n"),
            (Answers(['{"a": 1, "b": 2}', '{"a": 3, "b": 4}']), "1,2\n3,4\n"),
            (Answers([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]), "1,x\n2,y\n"),
            (Answers([[1, 2], [3, 4]]), "1,2\n3,4\n"),
            ({"a": 1, "b": "x"}, "1,x\n"),
            ({"a": [1, 2], "b": ["x", "y"]}, "1,x\n2,y\n"),
            ({"a": np.array([1, 2]), "b": pd.Series([3, 4])}, "1,3\n2,4\n"),
            (np.array(["a", "b"]), "a\nb\n"),
            (np.array([True, False]), "True\nFalse\n"),
            (pd.Series(["x", None]), 'x\n""\n'),
            (pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}), "1,0.5\n2,1.5\n"),
            (pd.DataFrame({"a": [1]}, index=["i"]), "1\n"),
            (pd.Index([1, 2]), "1\n2\n"),
        ],
    )
    def test_answers_of_every_kind(self, writer: str, answer: object, written: str) -> None:
        assert formats.encode_csv(answer) == written.encode()

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            b"x",
            bytearray(b"x"),
            memoryview(b"x"),
            object(),
            iter([1]),
            {"a": {"b": 1}},
            {"a": [1, 2], "b": [3]},
            np.zeros((2, 2, 2)),
        ],
    )
    def test_what_is_no_table_does_not_fit(self, answer: object) -> None:
        with pytest.raises(Unfit):
            formats.encode_csv(answer)


def test_csv_is_in_the_table_where_pandas_is() -> None:
    assert importlib.util.find_spec("pandas")
    assert list(formats.FORMATS) == ["application/json", "application/jsonlines", "text/csv"]
    assert [name for name, row in formats.FORMATS.items() if row.many] == ["application/jsonlines"]


@pytest.mark.parametrize("unit", ["ns", "us", "s"])
def test_times_of_numpy_are_written_as_text(writer: str, unit: str) -> None:
    times = np.array(["2026-01-02T03:04:05"], f"datetime64[{unit}]")
    assert json.loads(formats.encode_json({"times": times, "first": times[0]})) == {
        "times": ["2026-01-02T03:04:05"],
        "first": "2026-01-02T03:04:05",
    }
