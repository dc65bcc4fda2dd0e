"""AWS's files of profiles: only what is asked for changes, and the SDK reads it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore import configloader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odyssey.errors import ConfigError, OdysseyError
from odyssey.profiles import ProfileFile

CONFIG = """\
# mine
[default]
region=eu-west-1
; a comment
s3 =
    max_concurrent_requests = 20
    region = not-this-one

[profile work]
  output : json
  Region = us-east-1

[sso-session corp]
sso_region = us-east-1"""


@pytest.fixture
def config(tmp_path: Path) -> ProfileFile:
    (tmp_path / "config").write_text(CONFIG)
    return ProfileFile(tmp_path / "config", "profile")


def text(file: ProfileFile) -> str:
    return file.path.read_bytes().decode()


def test_only_the_line_of_the_key_changes(config: ProfileFile) -> None:
    config.edit("default", {"region": "eu-north-1"})
    assert text(config) == CONFIG.replace("region=eu-west-1", "region=eu-north-1")


def test_a_key_is_written_as_it_was(config: ProfileFile) -> None:
    config.edit("work", {"region": "eu-north-1", "output": "text"})
    changed = CONFIG.replace("output : json", "output : text")
    assert text(config) == changed.replace("Region = us-east-1", "Region = eu-north-1")


def test_a_value_that_is_there_already_changes_nothing(config: ProfileFile) -> None:
    config.edit("default", {"region": "eu-west-1"})
    assert text(config) == CONFIG


def test_a_new_key_comes_after_the_last_of_its_section(config: ProfileFile) -> None:
    config.edit("default", {"output": "json"})
    line = "    region = not-this-one\n"
    assert text(config) == CONFIG.replace(line, f"{line}output = json\n")


def test_a_new_key_is_as_deep_as_the_last_of_its_section(config: ProfileFile) -> None:
    config.edit("work", {"x": "y"})
    line = "  Region = us-east-1\n"
    assert text(config) == CONFIG.replace(line, f"{line}  x = y\n")


def test_a_new_section_comes_last(config: ProfileFile) -> None:
    config.edit("other one", {"region": "eu-west-3"})
    assert text(config) == f"{CONFIG}\n\n[profile 'other one']\nregion = eu-west-3\n"
    assert config.values("other one") == {"region": "eu-west-3"}


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    # given
    file = ProfileFile(tmp_path / ".aws" / "credentials")
    # when
    file.edit("default", {"a": "b"})
    # then
    assert text(file) == "[default]\na = b\n"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_file_that_everybody_could_read_no_longer_is(config: ProfileFile) -> None:
    config.path.chmod(0o644)
    config.edit("default", {"region": "eu-west-1"})
    assert stat.S_IMODE(config.path.stat().st_mode) == 0o600


def test_a_key_is_taken_away_with_all_of_its_lines(config: ProfileFile) -> None:
    config.edit("default", {"s3": None, "absent": None})
    start, end = CONFIG.index("s3 ="), CONFIG.index("\n[profile work]")
    assert text(config) == CONFIG[:start] + CONFIG[end:]


def test_lines_that_end_as_on_windows_go_on_doing_so(tmp_path: Path) -> None:
    file = ProfileFile(tmp_path / "credentials")
    file.path.write_bytes(b"[default]\r\na = 1\r\n\r\n# end")
    file.edit("default", {"a": "2", "b": "3"})
    file.edit("new", {"c": "4"})
    assert file.path.read_bytes() == (
        b"[default]\r\na = 2\r\nb = 3\r\n\r\n# end\r\n\r\n[new]\r\nc = 4\r\n"
    )


def test_a_link_stays_a_link(config: ProfileFile, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(config.path)
    ProfileFile(link, "profile").edit("default", {"region": "eu-north-1"})
    assert link.is_symlink()
    assert "eu-north-1" in text(config)
    assert os.listdir(link.parent) == ["link"]


@pytest.mark.parametrize(
    "sections", ["[default]\n[profile default]\n", "[profile default]\n[default]\n"]
)
def test_of_two_sections_of_a_profile_the_one_that_counts_is_changed(
    tmp_path: Path, sections: str
) -> None:
    file = ProfileFile(tmp_path / "config", "profile")
    file.path.write_text(sections)
    file.edit("default", {"region": "eu-west-1"})
    assert configloader.load_config(file.path)["profiles"]["default"] == {"region": "eu-west-1"}


def test_a_profile_in_quotes_is_found(tmp_path: Path) -> None:
    file = ProfileFile(tmp_path / "config", "profile")
    file.path.write_text('[profile "my work"]\nregion = a\n')
    file.edit("my work", {"region": "b"})
    assert text(file) == '[profile "my work"]\nregion = b\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[a]\nx = 1\nSECRET\n", "line 3: neither"),
        ("SECRET = 1\n[a]\n", "line 1: comes before"),
        ("[a]\n[b]\n[a]\n", r"line 3: the section \[a\] is there twice"),
        ("[a]\nx = SECRET\nx = 2\n", r"line 3: x is there twice in \[a\]"),
        ("[a]\ns3 =\n  SECRET\n", r"\[a\] s3: its lines"),
        (b"[a]\n\xff = SECRET\n", "line 2: not UTF-8"),
    ],
)
def test_a_file_that_the_sdk_cannot_read_is_left_alone(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    # given
    file = ProfileFile(tmp_path / "credentials")
    data = content.encode() if isinstance(content, str) else content
    file.path.write_bytes(data)
    # then
    with pytest.raises(ConfigError, match=said) as caught:
        file.edit("a", {"y": "1"})
    assert "SECRET" not in caught.value.message
    assert file.path.read_bytes() == data


def test_what_cannot_be_changed_without_more_is_left_alone(tmp_path: Path) -> None:
    # A key of [DEFAULT] is one of every section: it cannot be taken from one of them.
    file = ProfileFile(tmp_path / "credentials")
    file.path.write_text("[DEFAULT]\ntoken = x\n[a]\nkey = 1\n")
    with pytest.raises(ConfigError, match=r"\[a\] cannot be changed without changing more"):
        file.edit("a", {"token": None})
    assert file.path.read_text() == "[DEFAULT]\ntoken = x\n[a]\nkey = 1\n"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OdysseyError, match=r"credentials: cannot be read: Not a directory"):
        ProfileFile(tmp_path / "file" / "credentials").edit("a", {"x": "1"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        ProfileFile(tmp_path / "folder").edit("a", {"x": "1"})


WORD = st.text("abcxyz_-", min_size=1, max_size=4)
VALUE = st.text("ab =:#;[]%\\'\"/+é", max_size=6)
OPTION = st.builds(
    lambda indent, key, gap, sep, value: f"{indent}{key}{gap}{sep}{gap}{value}",
    st.sampled_from(["", " ", "  ", "\t"]),
    st.sampled_from(["region", "Region", "output", "aws_session_token", "s3", "x"]),
    st.sampled_from(["", " "]),
    st.sampled_from(["=", ":"]),
    VALUE,
)
HEADER = st.builds(
    lambda indent, name: f"{indent}[{name}]",
    st.sampled_from(["", " "]),
    st.sampled_from(["default", "a", "profile a", 'profile "a"', "b", "profile b c", "preview"]),
)
NOISE = st.one_of(
    st.sampled_from(["", "  ", "\t", "# a comment", "  ; another", "   key = nested"]), VALUE
)
FILES = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else ""),
    st.lists(st.one_of(OPTION, HEADER, NOISE), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


def read(path: Path) -> Any:
    return configloader.raw_config_parse(str(path))


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=FILES,
    prefix=st.sampled_from(["", "profile"]),
    profile=st.sampled_from(["default", "a", "b c", "new"]),
    changes=st.dictionaries(
        st.sampled_from(["region", "output", "aws_session_token", "s3"]),
        st.one_of(st.none(), st.text("abc/+=", min_size=1, max_size=6)),
        min_size=1,
    ),
)
def test_the_sdk_reads_what_was_set_and_everything_else_as_before(
    tmp_path: Path, content: str, prefix: str, profile: str, changes: dict[str, str | None]
) -> None:
    # given
    file = ProfileFile(tmp_path / "file", prefix)
    file.path.write_bytes(content.encode())
    try:
        before = read(file.path)
    except Exception:
        before = None
    # when
    if before is None:
        # then
        with pytest.raises(ConfigError):
            file.edit(profile, changes)
        assert file.path.read_bytes() == content.encode()
        return
    file.edit(profile, changes)
    # then
    after = read(file.path)
    mine = {name for name in after if after[name] != before.get(name)}
    assert len(mine) <= 1
    for key, value in changes.items():
        assert file.values(profile).get(key) == value
    for name in mine:
        kept = {k: v for k, v in after[name].items() if k not in changes}
        assert kept == {k: v for k, v in before.get(name, {}).items() if k not in changes}
    # What is no line of a changed key is there still, in the same order.
    left = iter(file.path.read_bytes().decode().splitlines())
    for line in content.splitlines():
        if not line.strip() or line.strip().startswith(("#", ";", "[")):
            assert line in left
