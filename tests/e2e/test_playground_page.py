"""The playground's page in a real browser, over a real app.

One browser and one `odyssey local serve --ui` for all; the last test ends the server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

import odyssey as package
from tests.e2e import browsers
from tests.e2e.servers import free_port

HOSTILE = (
    "</pre><script>document.title = 'taken'</script><img src=x onerror=\"document.title='t'\">"
)

ODD = f'''

iris = predict


def predict(input_data, model):
    """Answers one request, or does something odd."""
    import os, time
    if isinstance(input_data, dict) and "sleep" in input_data:
        time.sleep(input_data["sleep"])
    if isinstance(input_data, dict) and "fail" in input_data:
        raise RuntimeError({HOSTILE!r})
    if isinstance(input_data, dict) and "say" in input_data:
        print({HOSTILE!r}, flush=True)
        return {{"said": {HOSTILE!r}, "count": 12345678901234567890, "list": [1.50, None]}}
    if isinstance(input_data, dict) and "die" in input_data:
        os.kill(os.getppid(), 9)
    return iris(input_data, model)
'''


@dataclass
class Reader:
    """Somebody at the page."""

    browser: Chrome
    url: str
    app: Path
    process: subprocess.Popen[bytes]

    def open(self, **screen: Any) -> None:
        browsers.look(self.browser, **screen)
        self.browser.get(self.url)
        self.until(lambda: self.text("phase") == "Ready" and self.body() != "")

    def until(self, true: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.text("answer")
            time.sleep(0.02)

    def find(self, name: str) -> Any:
        return self.browser.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return str(self.find(name).text)

    def body(self) -> str:
        return str(self.find("body").get_attribute("value"))

    def write(self, body: str) -> None:
        self.browser.execute_script(
            "const e = document.querySelector('#body'); e.value = arguments[0];"
            "e.dispatchEvent(new Event('input'))",
            body,
        )

    def send(self) -> None:
        """Send what the editor has, and return when the answer is there."""
        before = len(self.rows())
        self.find("send").click()
        self.until(lambda: len(self.rows()) > before)

    def rows(self) -> list[list[str]]:
        """The history."""
        found: list[list[str]] = self.browser.execute_script(
            "return [...document.querySelectorAll('#rows tr')]"
            ".map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return found

    def log(self, mark: str = "") -> list[str]:
        found: list[str] = self.browser.execute_script(
            "return [...document.querySelectorAll(`#lines .line${arguments[0]}`)]"
            ".map(line => line.textContent)",
            mark,
        )
        return found

    def typed(self, line: str, at: Path) -> str:
        """What a line prints that was copied from the page into a terminal."""
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=at, env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture(scope="module")
def served(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("playground")
    app = folder / "app"
    shutil.copytree(trained, app)
    (app / "serve.py").write_text((app / "serve.py").read_text() + ODD)
    words = ["local", "serve", "--ui", "--workers", "1", "--port", str(free_port())]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ODYSSEY_")}
    with (
        (folder / "terminal").open("wb") as terminal,
        subprocess.Popen(
            [sys.executable, "-m", "odyssey", *words, "--output", "json"],
            cwd=app,
            env={**kept, "PYTHONPATH": str(Path(package.__file__).parent.parent)},
            stdout=subprocess.PIPE,
            stderr=terminal,
        ) as process,
        browsers.chromium() as browser,
    ):
        assert process.stdout is not None
        told = b"".join(iter(process.stdout.readline, b"}\n")) + b"}"
        yield Reader(browser, json.loads(told)["ui"], app, process)
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture
def reader(served: Reader) -> Reader:
    served.open()
    return served


def test_the_sample_is_answered_and_nothing_leaves_this_machine(served: Reader) -> None:
    # given
    browsers.asked(served.browser)
    served.browser.get_log("browser")
    # when
    served.open()
    sample = served.body()
    served.send()
    # then
    assert sample == '{"observation": [5.1, 3.5, 1.4, 0.2]}'
    assert served.text("status") == "200"
    assert served.text("shown") == '{"prediction": "Iris-setosa"}'
    assert re.fullmatch(r"[\d.]+ m?s", served.text("latency"))
    assert served.text("size") == "28 bytes"
    assert served.text("kind") == "application/json"
    served.until(lambda: any("POST /invocations HTTP/1.1 200" in line for line in served.log()))
    # and
    urls = browsers.asked(served.browser)
    assert f"{served.url}/page.js" in urls
    assert {url for url in urls if not url.startswith(f"{served.url}/")} == set()
    entries = served.browser.execute_script(
        "return performance.getEntries().map(e => e.name).filter(name => name.includes('//'))"
    )
    assert all(name.startswith(f"{served.url}/") for name in entries)
    assert served.browser.get_log("browser") == []


def test_what_is_copied_into_a_terminal_gets_the_same_answer(reader: Reader) -> None:
    # given a sample of several lines, and a body that a shell could take for its own
    Select(reader.find("sample")).select_by_visible_text("samples/request.csv")
    reader.until(lambda: "," in reader.body().partition("\n")[0])
    lines = [(reader.text("command"), reader.text("curl"), "Iris-setosa\n" * 3)]
    Select(reader.find("type")).select_by_value("application/jsonlines")
    reader.write('{"say": "it\'s $HOME `no` \\\\n"}\n{"observation": [6.7, 3.0, 5.2, 2.3]}')
    Select(reader.find("accept")).select_by_value("application/json")
    reader.send()
    reader.find("view-raw").send_keys(Keys.SPACE)
    raw = reader.find("shown").get_property("textContent")
    lines.append((reader.text("command"), reader.text("curl"), raw))
    # when
    for command, curl, answer in lines:
        # then
        assert reader.typed(command, reader.app) == answer
        assert reader.typed(curl, reader.app) == answer
    assert "--file samples/request.csv" in lines[0][0]
    assert "--content-type application/jsonlines --accept application/json" in lines[1][0]


def test_a_file_is_the_body_and_its_rows_stand_beside_the_answers(reader: Reader) -> None:
    # given
    rows = reader.app / "flowers of 'mine'.csv"
    rows.write_text('5.1,3.5,1.4,0.2\n6.7,3.0,5.2,"2.3"\n')
    # when
    reader.find("picked").send_keys(str(rows))
    reader.until(lambda: reader.text("file-name") == rows.name)
    reader.send()
    # then
    cells = reader.browser.execute_script(
        "return [...document.querySelectorAll('.data tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert cells == [
        ["1", "5.1", "3.5", "1.4", "0.2", "Iris-setosa"],
        ["2", "6.7", "3.0", "5.2", "2.3", "Iris-virginica"],
    ]
    assert Select(reader.find("type")).first_selected_option.get_attribute("value") == "text/csv"
    for line in ("command", "curl"):
        answer = reader.typed(reader.text(line), reader.app)
        assert answer == "Iris-setosa\nIris-virginica\n"


def test_a_file_can_be_dropped_and_taken_away(reader: Reader) -> None:
    # when
    reader.browser.execute_script(
        "const data = new DataTransfer();"
        "data.items.add(new File(['{\"observation\": [5.1, 3.5, 1.4, 0.2]}\\n'], 'one.jsonl'));"
        "const drop = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});"
        "document.querySelector('#log').dispatchEvent(drop); return drop.defaultPrevented"
    )
    reader.until(lambda: reader.text("file-name") == "one.jsonl")
    kind = Select(reader.find("type")).first_selected_option.get_attribute("value")
    meter = reader.text("meter")
    reader.find("file-remove").click()
    # then
    assert kind == "application/jsonlines"
    assert meter == "38 bytes · 1 record"
    assert reader.find("body").is_displayed()
    assert reader.browser.switch_to.active_element.get_attribute("id") == "body"


def test_a_bad_body_shows_the_words_of_the_400(reader: Reader) -> None:
    # when
    reader.write('{"observation": [5.1, 3.5]}')
    reader.send()
    # then
    assert reader.text("status") == "400"
    assert reader.text("reason") == "Bad Request"
    assert reader.text("message") == "observation: 4 numbers expected, got 2"
    assert reader.rows()[0][1] == "400"
    reader.until(lambda: any("HTTP/1.1 400" in line for line in reader.log(".warning")))


def test_what_is_wrong_with_a_body_is_said_while_it_is_typed(reader: Reader) -> None:
    reader.write('{"observation": [1')
    assert reader.text("meter").startswith("18 bytes · not JSON: ")
    Select(reader.find("type")).select_by_value("text/csv")
    reader.write("1,2\n3\n")
    assert reader.text("meter") == "6 bytes · 2 rows of 1 to 2 columns"
    assert reader.find("send").is_enabled()


def test_a_hostile_answer_stays_text(reader: Reader) -> None:
    # when
    reader.write('{"say": 1}')
    reader.send()
    reader.until(lambda: any("<script>" in line for line in reader.log()))
    pretty = reader.find("shown").get_property("textContent")
    reader.write('{"fail": 1}')
    reader.send()
    reader.until(lambda: any("RuntimeError" in line for line in reader.log(".error")))
    # then
    assert json.loads(pretty)["said"] == HOSTILE
    assert '"count": 12345678901234567890' in pretty  # Not rounded, as JavaScript would.
    assert '"list": [1.5, null]' in pretty
    assert HOSTILE in reader.text("message")
    assert reader.browser.title == "testapp – Odyssey playground"
    made = reader.browser.execute_script(
        "return document.querySelectorAll('main img, main script').length"
    )
    assert made == 0
    assert any("Traceback" in line for line in reader.log(".error"))


def test_not_even_a_script_that_gets_into_the_page_runs(reader: Reader) -> None:
    ran = reader.browser.execute_script(
        "window.ran = 'nothing';"
        "const e = document.createElement('script');"
        "try { e.textContent = 'window.ran = 1'; document.body.append(e); } catch {}"
        "try { document.body.insertAdjacentHTML('beforeend', '<i>x</i>'); window.ran = 'html'; }"
        "catch {} return window.ran"
    )
    reader.browser.get_log("browser")
    assert ran == "nothing"


def test_a_model_that_hangs_leaves_the_page_at_work(reader: Reader) -> None:
    # given
    reader.write('{"sleep": 3, "observation": [5.1, 3.5, 1.4, 0.2]}')
    reader.find("send").click()
    reader.until(lambda: reader.find("busy").is_displayed())
    first = reader.text("busy-time")
    # when
    reader.until(lambda: reader.text("busy-time") != first)
    reader.find("cancel").click()
    reader.until(lambda: reader.text("reason") == "No answer")
    # then
    assert reader.text("message").startswith("You have stopped waiting after ")
    assert reader.browser.switch_to.active_element.get_attribute("id") == "send"
    reader.write('{"observation": [5.1, 3.5, 1.4, 0.2]}')
    reader.send()
    assert reader.text("status") == "200"


def test_requests_in_a_row_have_a_p50_and_can_be_shown_again(reader: Reader) -> None:
    # given
    reader.send()
    first = reader.body()
    reader.write('{"observation": [6.7, 3.0, 5.2, 2.3]}')
    # when
    reader.find("repeat").click()
    reader.until(lambda: len(reader.rows()) == 21)
    reader.until(lambda: reader.find("send").is_displayed())
    # then
    assert reader.text("median-name") == "p50 of 21"
    assert reader.text("median") == reader.text("p50")
    assert len(reader.browser.find_elements(By.CSS_SELECTOR, "#chart rect")) == 21
    # and
    reader.browser.find_elements(By.CSS_SELECTOR, "#rows button")[-1].click()
    assert reader.body() == first
    assert reader.text("shown") == '{"prediction": "Iris-setosa"}'
    reader.find("forget").click()
    assert reader.rows() == []


def test_the_keyboard_does_it_all(reader: Reader) -> None:
    # when
    seen = []
    for _ in range(12):
        reader.browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(reader.browser.switch_to.active_element.get_attribute("id"))
    reader.find("body").send_keys(Keys.CONTROL, Keys.ENTER)
    reader.until(lambda: len(reader.rows()) == 1)
    reader.find("view-pretty").send_keys(Keys.ARROW_RIGHT)
    # then
    order = [name for name in seen if name in ("sample", "type", "accept", "body", "send")]
    assert order == ["sample", "type", "accept", "body", "send"]
    assert reader.find("view-raw").is_selected()
    assert reader.text("shown") == '{"prediction":"Iris-setosa"}'


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_enough_contrast(served: Reader, *, dark: bool) -> None:
    # given an answer, an error, and a log with all kinds of lines
    served.open(dark=dark)
    served.send()
    fine = served.browser.execute_script(browsers.CONTRAST)[0]
    served.write('{"fail": 1}')
    served.send()
    served.until(lambda: served.log(".error"))
    # when
    weak, looked_at = served.browser.execute_script(browsers.CONTRAST)
    # then
    assert (fine, weak) == ([], [])
    assert looked_at > 150
    paper = served.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark


def test_a_phone_needs_no_scrolling_aside(served: Reader) -> None:
    # when
    served.open(width=360)
    Select(served.find("sample")).select_by_visible_text("samples/request.csv")
    served.until(lambda: "\n" in served.body())
    served.send()
    wide = served.browser.execute_script("return document.documentElement.scrollWidth")
    # then
    assert wide == 360
    assert served.find("shown").is_displayed()


def test_every_field_has_a_name_and_headings_are_in_order(reader: Reader) -> None:
    # given
    reader.send()
    # when
    fields = reader.browser.find_elements(By.CSS_SELECTOR, "select, textarea, input, button")
    named = [each.accessible_name for each in fields if each.is_displayed()]
    levels = [
        int(each.tag_name[1])
        for each in reader.browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3")
    ]
    # then
    assert len(named) > 12
    assert all(named)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_server_s_death_is_told_with_the_command_that_starts_it(reader: Reader) -> None:
    # when
    reader.write('{"die": 1}')
    reader.find("send").click()
    reader.process.wait(60)
    reader.until(lambda: reader.find("notice").is_displayed())
    # then
    assert reader.text("notice-title") == "It has ended."
    assert "ended by itself (killed by SIGKILL" in reader.text("notice-text")
    assert reader.text("notice-line").startswith("odyssey local serve --ui --port ")
    assert not reader.find("send").is_enabled()
    # and it stays told when odyssey has gone as well
    gone: list[Any] = []
    reader.until(lambda: gone.extend(reader.browser.get_log("browser")) or len(gone) > 2)
    assert reader.text("phase") == "Ended"
    assert reader.text("notice-title") == "It has ended."
