"""The core: negotiation, decode -> predict -> encode, and every error that a client can see."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket import core
from rocket.errors import BadInput, RequestError
from rocket.formats import FORMATS, Answers
from tests.app_template.fakes import make_core

JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"


def failure(function, *arguments) -> RequestError:
    with pytest.raises(RequestError) as caught:
        function(*arguments)
    return caught.value


class TestContentType:
    @pytest.mark.parametrize(
        ("header", "media_type", "parameters"),
        [
            ("", JSON, {}),
            (";;=;", JSON, {}),
            ("application/json", JSON, {}),
            (" Application/JSON ", JSON, {}),
            ("application/json; charset=utf-8", JSON, {}),
            ("application/json;charset=UTF8", JSON, {}),
            ("text/csv; charset=us-ascii", CSV, {}),
            ("text/csv; charset=latin-1", CSV, {"charset": "latin-1"}),
            ('text/csv; header="present"; charset=utf-8', CSV, {"header": "present"}),
            ("text/csv;HEADER=Present", CSV, {"header": "present"}),
            ("application/csv", CSV, {}),
            ("application/x-ndjson", LINES, {}),
            ("application/x-jsonlines; a=b", LINES, {"a": "b"}),
            ("application/jsonl", LINES, {}),
            ("image/png; q", "image/png", {"q": ""}),
        ],
    )
    def test_is_taken_apart(self, header: str, media_type: str, parameters: dict) -> None:
        assert core.parse_content_type(header) == (media_type, parameters)

    @given(st.text())
    def test_any_header_is_taken_apart(self, header: str) -> None:
        media_type, parameters = core.parse_content_type(header)
        assert media_type
        assert all(parameters)


class TestAccept:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("", [("*/*", 1.0)]),
            ("text/csv", [("text/csv", 1.0)]),
            ("text/csv;q=0.5, Application/JSON", [(JSON, 1.0), (CSV, 0.5)]),
            ("a/a;q=0.1, b/b;q=0.9, c/c;q=0.5", [("b/b", 0.9), ("c/c", 0.5), ("a/a", 0.1)]),
            ("a/a, b/b", [("a/a", 1.0), ("b/b", 1.0)]),
            ("a/a;q=x", [("a/a", 0.0)]),
            ("a/a;level=1;q=0.5", [("a/a", 0.5)]),
            (",,;q", []),
        ],
    )
    def test_is_taken_apart(self, accept: str, expected: list) -> None:
        assert list(core.ranges(accept)) == expected

    @pytest.mark.parametrize(
        ("accept", "own", "expected"),
        [
            # no wish: the input's own format, then the table's order
            ("", JSON, [JSON, LINES, CSV]),
            ("", CSV, [CSV, JSON, LINES]),
            ("*/*", LINES, [LINES, JSON, CSV]),
            ("*", CSV, [CSV, JSON, LINES]),
            # one wish
            ("text/csv", JSON, [CSV]),
            ("TEXT/CSV", JSON, [CSV]),
            ("application/csv", JSON, [CSV]),
            ("application/x-ndjson", JSON, [LINES]),
            ("text/*", JSON, [CSV]),
            ("application/*", CSV, [JSON, LINES]),
            ("application/*", LINES, [LINES, JSON]),
            # several: by quality, then as they are written
            ("text/csv, application/json", JSON, [CSV, JSON]),
            ("text/csv;q=0.5, application/json", CSV, [JSON, CSV]),
            ("application/json, */*;q=0.1", CSV, [JSON, CSV, LINES]),
            ("image/png, text/*;q=0.1", JSON, [CSV]),
            # refusals
            ("application/json;q=0, */*", JSON, [LINES, CSV]),
            ("application/json;q=0", JSON, []),
            ("image/png", JSON, []),
            ("text/html;q=x", JSON, []),
            (",,;q", JSON, []),
        ],
    )
    def test_chooses_among_the_formats(self, accept: str, own: str, expected: list) -> None:
        assert list(core.negotiate(accept, own)) == expected

    @pytest.mark.parametrize(
        ("accept", "own", "expected"),
        [
            ("text/csv;q=0.1, */*", CSV, [JSON, LINES, CSV]),
            ("application/*;q=0, */*", JSON, [CSV]),
            ("application/csv;q=0, */*", CSV, [JSON, LINES]),
            ("application/*;q=0.2, application/jsonlines, */*;q=0.5", CSV, [LINES, CSV, JSON]),
            ("*/*;q=0, text/csv", JSON, [CSV]),
        ],
    )
    def test_the_most_specific_range_counts(self, accept: str, own: str, expected: list) -> None:
        """As in RFC 9110, section 12.5.1."""
        assert list(core.negotiate(accept, own)) == expected

    @given(accept=st.text(), own=st.sampled_from([*FORMATS, "image/png"]))
    def test_any_header_chooses_formats_of_the_table(self, accept: str, own: str) -> None:
        chosen = core.negotiate(accept, own)
        assert set(chosen) <= set(FORMATS)
        assert len(set(chosen)) == len(chosen)

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("image/png", "image/png"),
            ("image/*, image/png;q=0.1", "image/png"),
            ("image/png;q=0.1, image/gif", "image/gif"),
            ("image/png;q=0", "application/octet-stream"),
            ("*/*", "application/octet-stream"),
            ("", "application/octet-stream"),
        ],
    )
    def test_names_the_type_of_bytes(self, accept: str, expected: str) -> None:
        assert core.first_type(accept) == expected


class TestDecoding:
    def test_gives_the_type_the_choices_and_the_input(self) -> None:
        decoded = make_core().decode("application/x-ndjson", "text/csv", b"1\n2\n")
        assert decoded == (LINES, (CSV,), [1, 2])

    def test_csv_has_no_header_line_unless_somebody_says_so(self) -> None:
        body = b"a,b\n1,2\n"
        app, other = make_core(), make_core(environ={"MODEL_SERVER_CSV_HEADER": "present"})
        for service, content_type, rows in [
            (app, "text/csv", 2),
            (app, "text/csv; header=present", 1),
            (other, "text/csv", 1),
            (other, "text/csv; header=absent", 2),
            (other, "application/csv", 1),
        ]:
            assert len(service.decode(content_type, "", body)[2]) == rows

    def test_the_settings_leave_other_formats_alone(self) -> None:
        service = make_core(environ={"MODEL_SERVER_CSV_HEADER": "present"})
        assert service.decode(JSON, "", b"5")[2] == 5

    @pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t "])
    @pytest.mark.parametrize("content_type", list(FORMATS))
    def test_an_empty_body_is_400(self, content_type: str, body: bytes) -> None:
        error = failure(make_core().decode, content_type, "", body)
        assert (error.status, error.message) == (400, "the body is empty")

    def test_another_type_is_415_even_when_the_body_is_empty(self) -> None:
        error = failure(make_core().decode, "image/png", "", b"")
        assert error.status == 415
        assert error.message.startswith("Content-Type image/png: send one of ")
        assert all(name in error.message for name in FORMATS)

    def test_nothing_is_decoded_before_the_model_is_there(self) -> None:
        error = failure(make_core(trouble="loading").decode, "image/png", "", b"")
        assert (error.status, error.message) == (503, "loading")


class TestEncoding:
    def encode(self, answer: object, accept: str = "", own: str = JSON) -> core.Response:
        return make_core().encode(answer, accept, core.negotiate(accept, own))

    def test_the_first_format_that_fits_is_taken(self) -> None:
        assert self.encode([1, 2]) == (200, JSON, b"[1,2]", ())
        assert self.encode([1, 2], own=CSV) == (200, CSV, b"1\n2\n", ())
        # A nested dictionary is no table.
        nested = {"a": {"b": 1}}
        assert self.encode(nested, own=CSV) == (200, JSON, b'{"a":{"b":1}}', ())
        assert self.encode(nested, "text/csv, application/jsonlines") == (
            200,
            LINES,
            b'{"a":{"b":1}}\n',
            (),
        )

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_bytes_are_sent_as_they_are(self, kind: type) -> None:
        response = self.encode(kind(b"\x00\xff"), "image/png")
        assert response == (200, "image/png", b"\x00\xff", ())
        assert type(response.body) is bytes

    def test_what_fits_no_accepted_format_is_406_and_lists_the_others(self) -> None:
        error = failure(self.encode, {"a": {"b": 1}}, "text/csv")
        assert error.status == 406
        assert error.message == (
            "Accept text/csv: the answer, a dict, can be had as one of "
            "application/json, application/jsonlines, text/csv"
        )

    def test_no_accepted_format_at_all_is_406(self) -> None:
        assert failure(self.encode, 1, "image/png").status == 406

    def test_what_fits_no_format_is_500(self, caplog: pytest.LogCaptureFixture) -> None:
        error = failure(self.encode, object())
        assert error.status == 500
        assert error.message == "predict returned a object, which no format can carry"
        assert "no format can carry" in caplog.text

    def test_an_answer_that_cannot_be_written_is_500(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        endless: list[object] = []
        endless.append(endless)
        error = failure(self.encode, {"a": endless})
        assert error.status == 500
        assert error.message.startswith("the answer of predict cannot be sent: ")
        assert "Traceback" in caplog.text


class TestAnswering:
    def test_the_whole_way(self) -> None:
        service = make_core(lambda data: {"sum": sum(data)})
        assert service.answer("", "", b"[1, 2]").body == b'{"sum":3}'
        table = make_core(lambda frame: frame.sum(axis=1))
        assert table.answer("text/csv", "", b"1,2\n3,4\n") == (200, CSV, b"3\n7\n", ())
        assert table.answer("text/csv", JSON, b"1,2\n3,4\n") == (200, JSON, b"[3,7]", ())

    def test_many_records_are_predicted_one_by_one(self) -> None:
        seen = []
        service = make_core(lambda data: seen.append(data) or {"got": data})
        response = service.answer(LINES, "", b"1\n2\n")
        assert [json.loads(line) for line in response.body.splitlines()] == [{"got": 1}, {"got": 2}]
        assert seen == [1, 2]

    def test_or_all_at_once_by_predict_batch(self) -> None:
        service = make_core(
            lambda _: pytest.fail("one by one"), lambda records: [-record for record in records]
        )
        assert service.answer(LINES, "", b"1\n2\n").body == b"-1\n-2\n"
        assert service.answer(LINES, JSON, b"1\n2\n").body == b"[-1,-2]"
        assert service.answer(LINES, CSV, b"1\n2\n").body == b"-1\n-2\n"

    def test_a_list_is_one_answer_but_answers_are_many(self) -> None:
        service = make_core()
        assert service.encode(["[1]"], "", (JSON,)).body == b'["[1]"]'
        assert service.encode(Answers(["[1]"]), "", (JSON,)).body == b"[[1]]"

    def test_what_has_the_same_duration_is_of_one_kind(self) -> None:
        kind = make_core().kind
        assert kind("text/csv; header=present", b"x" * 100) == kind("application/csv", b"x" * 120)
        assert kind("text/csv", b"x" * 100) != kind("text/csv", b"x" * 1000)
        assert kind("text/csv", b"x") != kind("", b"x")
        assert kind("image/png", b"x") == kind("image/gif", b"x")  # Clients cannot make new kinds.


class TestPredictBatch:
    @pytest.mark.parametrize(
        "answers",
        [[-1, -2], (-1, -2), np.array([-1, -2]), pd.Series([-1, -2]), np.array([[-1], [-2]])],
    )
    def test_its_answers_may_be_any_sequence(self, answers: object) -> None:
        got = make_core(predict_batch=lambda _: answers).predict_all([1, 2])
        assert type(got) is list
        assert np.ravel(got).tolist() == [-1, -2]

    @pytest.mark.parametrize(
        ("answers", "found"),
        [
            ([1], "1 answers"),
            ([1, 2, 3], "3 answers"),
            (np.zeros((1, 2)), "1 answers"),
            (None, "NoneType"),
            (5, "int"),
            (iter([1, 2]), "list_iterator"),
            # These have a length, but their elements are no answers.
            ("ab", "str"),
            (b"ab", "bytes"),
            ({"a": 1, "b": 2}, "dict"),
            (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "DataFrame"),
            (np.array(5), "ndarray"),
        ],
    )
    def test_anything_else_is_500_and_logged(
        self, answers: object, found: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        error = failure(make_core(predict_batch=lambda _: answers).predict_all, [1, 2])
        assert error.status == 500
        assert error.message == f"predict_batch returned {found} for 2 inputs"
        assert error.message in caplog.text


class TestTheUsersCode:
    @pytest.mark.parametrize(
        "raised", [ValueError("a reason"), SystemExit(3), RecursionError("deep"), StopIteration(1)]
    )
    def test_what_it_raises_is_500_in_short_and_logged_in_full(
        self, raised: BaseException, caplog: pytest.LogCaptureFixture
    ) -> None:
        def predict(_):
            raise raised

        error = failure(core.blame_predict, predict, 1)
        name = type(raised).__name__
        assert error.status == 500
        assert error.message == f"predict raised {name}: {raised} (the log has the traceback)"
        assert error.__cause__ is raised
        assert "Traceback" in caplog.text
        assert "raise raised" in caplog.text

    def test_a_long_reason_is_cut(self, caplog: pytest.LogCaptureFixture) -> None:
        error = failure(core.blame_predict, {}.__getitem__, "x" * 9999)
        assert len(error.message) < 600
        assert "x" * 9999 in caplog.text

    def test_a_refusal_passes_unlogged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        refusal = BadInput("no such flower")

        def predict(_):
            raise refusal

        assert failure(core.blame_predict, predict, 1) is refusal
        assert (refusal.status, refusal.message) == (400, "no such flower")
        assert caplog.text == ""

    def test_an_interrupt_passes(self) -> None:
        def predict(_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            core.blame_predict(predict, 1)


class TestPing:
    def test_is_200_once_the_model_is_there(self) -> None:
        assert make_core().ping() == (200, JSON, b"{}", ())

    def test_is_503_with_the_reason_before(self) -> None:
        response = make_core(trouble="get_model raised OSError: no weights").ping()
        assert response.status == 503
        assert json.loads(response.body) == {"error": "get_model raised OSError: no weights"}


def test_execution_parameters_never_exceed_100_mb_at_once() -> None:
    for workers, transforms in (("1", 1), ("4", 4), ("64", 16)):
        response = make_core(environ={"MODEL_SERVER_WORKERS": workers}).execution_parameters()
        parameters = json.loads(response.body)
        assert parameters == {
            "MaxConcurrentTransforms": transforms,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": 6,
        }
        assert transforms * 6 <= 100


def test_an_error_is_json_with_its_headers() -> None:
    error = RequestError(405, 'no "é" here', (("Allow", "POST"),))
    response = core.Response.of_error(error)
    assert (response.status, response.media_type) == (405, JSON)
    assert json.loads(response.body) == {"error": 'no "é" here'}
    assert response.headers == (("Allow", "POST"),)
