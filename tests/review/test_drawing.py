"""The picture as SVG: its boxes, its lanes, and what it says to those who do not see it."""

import re
from xml.etree import ElementTree

import pytest

from odyssey.review import drawing
from odyssey.review.report import Review
from tests.review import samples

SVG = "{http://www.w3.org/2000/svg}"


def drawn(review: Review) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.render(review))


def places(picture: ElementTree.Element, kind: str) -> list[tuple[float, float, float, float]]:
    """Return the left, upper, right and lower edges of boxes or of panels."""
    found = []
    for group in picture.iter(f"{SVG}g"):
        if group.get("class", "").split()[0] == kind:
            rect = group.find(f"{SVG}rect")
            assert rect is not None
            x, y, w, h = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


REVIEWS = {"whole": samples.whole(), "nothing": samples.nothing(), "large": samples.large(300)}


@pytest.mark.parametrize("name", REVIEWS)
def test_no_box_is_over_another_and_all_are_in_the_picture(name: str) -> None:
    # given
    picture = drawn(REVIEWS[name])
    left, top, width, height = map(float, picture.get("viewBox", "").split())

    # then
    for kind in ("box", "panel"):
        found = places(picture, kind)
        for i, (x1, y1, x2, y2) in enumerate(found):
            assert left <= x1 < x2 <= left + width
            assert top <= y1 < y2 <= top + height
            for a1, b1, a2, b2 in found[i + 1 :]:
                assert x2 <= a1 or a2 <= x1 or y2 <= b1 or b2 <= y1


def test_a_link_past_a_column_goes_above_all_panels() -> None:
    # given
    picture = drawn(samples.whole())
    top = min(y for _, y, _, _ in places(picture, "panel"))

    # when
    ways = [each.get("d", "") for each in picture.iter(f"{SVG}path") if each.get("class")]
    far = [way for way in ways if "V" in way]

    # then
    assert far
    for way in far:
        (up,) = re.findall(r"^M\S+ \S+H\S+Q\S+ \S+ \S+ \S+V(-?\d+)", way)
        assert float(up) - 6 < top


def test_what_changes_has_a_sign_and_a_whole_name_beside_its_colour() -> None:
    # when
    boxes = {
        each.findtext(f"{SVG}title"): each
        for each in drawn(samples.whole()).iter(f"{SVG}g")
        if each.get("class", "").startswith("box")
    }

    # then
    changed = boxes["Endpoint/Config, SageMaker::EndpointConfig, iris-endpoint, replaced"]
    still = boxes["Endpoint/Role, IAM::Role, iris-endpoint, unchanged"]
    assert [each.text for each in changed.findall(f"{SVG}text")][-1] == "±"
    assert [each.text for each in still.findall(f"{SVG}text")] == ["Endpoint/Role", "IAM::Role"]


def test_it_says_itself_in_words() -> None:
    picture = drawn(samples.whole())
    assert picture.findtext(f"{SVG}title") == "The resources of iris"
    assert "1 deleted, 2 replaced" in (picture.findtext(f"{SVG}desc") or "")
    assert picture.get("aria-labelledby") == "picture-title picture-text"


def test_without_resources_nothing_is_drawn() -> None:
    assert drawing.render(Review("iris", "main", "here")) == ""
