"""The review's page in a real browser: what a reader sees, hears, types and prints.

One session of Chromium for all. Where it is not installed these tests are skipped; in CI nothing
may be.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from odyssey.review import page
from tests.e2e import browsers
from tests.review import samples


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    made = {"whole": samples.whole(), "nothing": samples.nothing(), "large": samples.large(150)}
    for name, review in made.items():
        (folder / f"{name}.html").write_text(page.render(review), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with browsers.chromium() as chrome:
        yield chrome


@pytest.fixture
def seen(browser: Chrome, pages: dict[str, str]) -> Callable[..., Chrome]:
    """Opens a page as somebody sees it."""

    def see(name: str, *, width: int = 1200, dark: bool = False, media: str = "screen") -> Chrome:
        browsers.look(browser, width=width, dark=dark, media=media)
        browser.get(pages[name])
        return browser

    return see


def shown(browser: Chrome) -> list[str]:
    """Return the classes of the changes that can be seen."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('#changes .change')]"
        ".filter(e => e.checkVisibility()).map(e => e.className)"
    )
    return found


def active(browser: Chrome) -> str:
    told: str = browser.execute_script(
        "const e = document.activeElement;"
        "return `${e.tagName.toLowerCase()} ${e.id || e.className}`"
    )
    return told


def tabbed(browser: Chrome, times: int) -> list[str]:
    """Return what has the focus after each of so many presses of the tabulator."""
    found = []
    for _ in range(times):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        found.append(active(browser))
    return found


def test_nothing_is_asked_of_the_network_and_nothing_is_complained_of(
    seen: Callable[..., Chrome],
) -> None:
    # given
    browser = seen("whole")
    browser.get_log("performance")

    # when
    browser = seen("whole")

    # then
    asked = browsers.asked(browser)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert any(url.endswith("/whole.html") for url in asked)
    assert browser.get_log("browser") == []


def test_the_style_sheet_is_let_in_by_its_hash_and_nothing_else_is(
    seen: Callable[..., Chrome],
) -> None:
    # given
    browser = seen("whole")

    # when somebody manages to write into the page after all
    ran = browser.execute_script(
        "window.ran = false; const e = document.createElement('script');"
        "e.textContent = 'window.ran = true'; document.body.append(e);"
        "document.body.insertAdjacentHTML('beforeend', '<i style=\"color: red\">x</i>');"
        "return [window.ran, getComputedStyle(document.querySelector('body > i')).color,"
        "getComputedStyle(document.querySelector('.verdict')).borderLeftStyle]"
    )
    browser.get_log("browser")

    # then
    assert ran[0] is False
    assert ran[1] != "rgb(255, 0, 0)"
    assert ran[2] == "solid"


@pytest.mark.parametrize("name", ["whole", "nothing", "large"])
def test_a_phone_needs_no_scrolling_aside(seen: Callable[..., Chrome], name: str) -> None:
    browser = seen(name, width=360)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_enough_contrast(seen: Callable[..., Chrome], *, dark: bool) -> None:
    # when
    browser = seen("whole", dark=dark)
    weak, looked_at = browser.execute_script(browsers.CONTRAST)

    # then
    assert weak == []
    assert looked_at > 200
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark


def test_it_has_a_heading_a_language_and_landmarks(seen: Callable[..., Chrome]) -> None:
    # when
    browser = seen("whole")
    levels = [
        int(each.tag_name[1]) for each in browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3, h4")
    ]

    # then
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    roles = {each.aria_role for each in browser.find_elements(By.CSS_SELECTOR, "main, nav, header")}
    assert {"main", "navigation", "banner"} <= roles
    ids = [each.get_attribute("id") for each in browser.find_elements(By.CSS_SELECTOR, "[id]")]
    assert len(ids) == len(set(ids))


def test_the_picture_has_a_name_and_says_itself(seen: Callable[..., Chrome]) -> None:
    # when
    picture = seen("whole").find_element(By.CSS_SELECTOR, "svg.picture")

    # then
    assert picture.accessible_name.startswith("The resources of iris")
    assert "2 replaced" in picture.accessible_name
    assert picture.aria_role in ("img", "image")


def test_the_keyboard_reaches_filters_details_and_the_picture(
    seen: Callable[..., Chrome],
) -> None:
    # when
    browser = seen("whole")
    found = tabbed(browser, 40)

    # then
    assert found[0] == "a skip"
    assert "input action-all" in found
    assert "input stack-all" in found
    assert any(each.startswith("summary") for each in found)
    assert found.index("input action-all") < found.index("input stack-all")
    assert "div canvas" in found
    focused = browser.execute_script(
        "document.querySelector('summary').focus({focusVisible: true});"
        "return getComputedStyle(document.querySelector('summary')).outlineStyle"
    )
    assert focused == "solid"


def test_the_keyboard_chooses_what_is_shown(seen: Callable[..., Chrome]) -> None:
    # given
    browser = seen("whole")
    everything = shown(browser)
    first = browser.find_element(By.ID, "action-all")

    # when
    first.send_keys(Keys.ARROW_RIGHT)
    deleted = shown(browser)
    browser.find_element(By.ID, "stack-all").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)

    # then
    assert len(everything) == len(samples.CHANGES)
    assert [each.split()[1] for each in deleted] == ["delete"]
    assert shown(browser) == []
    assert browser.find_element(By.CSS_SELECTOR, ".left-by-filter").is_displayed()


def test_a_summary_opens_by_a_key(seen: Callable[..., Chrome]) -> None:
    # given
    browser = seen("large")
    summary = browser.find_element(By.CSS_SELECTOR, "#changes details:not([open]) summary")

    # when
    summary.send_keys(Keys.ENTER)

    # then
    assert browser.execute_script("return arguments[0].parentElement.open", summary)


def test_on_paper_all_is_open_and_light(seen: Callable[..., Chrome]) -> None:
    # given somebody with a dark screen and a filter
    browser = seen("whole", dark=True)
    browser.execute_script("document.querySelector('#action-delete').checked = true")

    # when
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    closed, open_, ink, filters = browser.execute_script(
        "const d = [...document.querySelectorAll('details:not([open])')];"
        "return [d.length, d.map(e => e.lastElementChild.checkVisibility()),"
        "getComputedStyle(document.body).color,"
        "getComputedStyle(document.querySelector('.filters')).display]"
    )
    printed: Any = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})

    # then
    assert closed >= 4
    assert all(open_)
    assert ink == "rgb(28, 33, 40)"
    assert filters == "none"
    assert len(shown(browser)) == len(samples.CHANGES)
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_nothing_to_do_is_a_page_too(seen: Callable[..., Chrome]) -> None:
    # when
    browser = seen("nothing")

    # then
    assert "Nothing changes." in browser.find_element(By.CSS_SELECTOR, ".verdict").text
    assert browser.find_elements(By.CSS_SELECTOR, ".filters") == []
    assert "Nobody may do more or less" in browser.find_element(By.ID, "permissions").text
