"""A file becomes plain values with their lines, or every reason why not."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.configs import wrong
from tokenweir.config.read import ConfigError, read_config
from tokenweir.config.yaml_file import SIZE, read_yaml_file


def values(folder: Path, text: str | bytes) -> dict[str, Any]:
    """What a file says."""
    file = folder / "some.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    reading = read_yaml_file(file)
    reading.settle()
    return reading.values


def fault(file: Path) -> str:
    """The one thing that is wrong with a file."""
    with pytest.raises(ConfigError) as caught:
        read_config(file, {})
    [problem] = caught.value.problems
    return problem.replace(f"{file.parent}/", "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "gateway.yaml:1: the file is empty"),
        (b"# nothing\n---\n", "gateway.yaml:3: the file is empty"),
        (b"# nothing\n", "gateway.yaml:1: the file is empty"),
        (b"5", "gateway.yaml:1: a configuration is a mapping"),
        (b"[inference]", "gateway.yaml:1: a configuration is a mapping"),
        (b"a: 1\nb: \xff\n", "gateway.yaml:2: this is no UTF-8 text: save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "gateway.yaml:1: this is no UTF-8 text"),
        (b"a: 1\nb: \x01\n", "gateway.yaml:2: this is no YAML: the character 1 is not allowed"),
        (b"a: 1\n" + b"#" * SIZE, "gateway.yaml: it has more than 1048576 bytes"),
    ],
)
def test_files_that_hold_no_configuration(data: bytes, said: str, tmp_path: Path) -> None:
    """C01: one clear line."""
    file = tmp_path / "gateway.yaml"
    file.write_bytes(data)

    assert fault(file).startswith(said)


def test_what_is_no_file(tmp_path: Path) -> None:
    """C01: nothing of it is waited for: a pipe that nobody writes would never end."""
    os.mkfifo(tmp_path / "pipe")

    assert fault(tmp_path / "gone.yaml") == "gone.yaml: there is no such file"
    assert fault(tmp_path / "pipe") == "pipe: it is a pipe or a device, where a file is needed"
    with pytest.raises(ConfigError, match="it is a directory, where a file is needed"):
        read_config(tmp_path, {})


def test_a_byte_order_mark(tmp_path: Path) -> None:
    """C01: some editors write one, and mean nothing by it."""
    assert values(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\n", ["gateway.yaml:1: an anchor (&x): leave it out"]),
        ("*x : 1\n", ["gateway.yaml:1: an alias (*x): write the value itself"]),
        ("b: 1\na: *x\n", ["gateway.yaml:2: an alias (*x): write the value itself"]),
        (
            "a: !!python/object/apply:os.system [ls]",
            ["gateway.yaml:1: a tag (tag:yaml.org,2002:python/object"],
        ),
        ("a: !mine 5", ["gateway.yaml:1: a tag (!mine): leave it out"]),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", ["gateway.yaml:4: b.c: a second time; the first is in line 3"]),
        ("8: 1\n", ['gateway.yaml:1: a key is text: write "8" in quotes']),
        ("true: 1\n", ['gateway.yaml:1: a key is text: write "true" in quotes']),
        ("? [a]\n: 1\n", ["gateway.yaml:1: a key is text, no list or mapping"]),
        ("a: {{name}}\n", ["gateway.yaml:1: a key is text, no list or mapping"]),
        ("a: 1\n---\nb: 1\n", ["gateway.yaml:2: a second document begins here"]),
        (
            "a: 1\n\tb: 2\n",
            ["gateway.yaml:2: this is no YAML: a tab stands here: YAML is indented with spaces"],
        ),
        (
            "a: b: c",
            ["gateway.yaml:1: this is no YAML: a key cannot stand here: indent it as its neighbours"],
        ),
        (
            "a: [1\nb: 2",
            ["gateway.yaml:2: this is no YAML: a list that begins with [ in line 1 needs commas, and a ] at"],
        ),
        ("a: 'x", ["gateway.yaml:1: this is no YAML: a quote is opened here and never closed"]),
        ("%YAML 2.0\n---\na: 1", ["gateway.yaml:1: this is no YAML: found incompatible YAML document"]),
        ("a: " + "[" * 100_000, ["gateway.yaml:1: more than 32 levels deep"]),
        ("{a: " * 1000, ["gateway.yaml:1: more than 32 levels deep"]),
        ('inference = "toml"', ["gateway.yaml:1: a configuration is a mapping"]),
    ],
)
def test_what_yaml_has_beyond_values(text: str, said: list[str], tmp_path: Path) -> None:
    """C02: refused, by its line; what is wrong with the values comes in the same run."""
    found = wrong(tmp_path, text)

    assert [any(line.startswith(start) for line in found) for start in said] == [True] * len(said)


def test_all_at_once(tmp_path: Path) -> None:
    """P21: whatever can still be read is read on."""
    found = wrong(tmp_path, "a: &x 1\nb: *x\nserver: {port: 0}\nserver: {}\n")

    assert [line.split(": ")[0] for line in found] == [f"gateway.yaml:{line}" for line in (1, 1, 2, 2, 3, 4)]


def test_a_bomb(tmp_path: Path) -> None:
    """C02: what an alias names is not looked at."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60))

    assert len(wrong(tmp_path, bomb)) == 101
    assert wrong(tmp_path, bomb)[-1].startswith("and ")


def test_words_that_yaml_1_1_takes_for_something_else(tmp_path: Path) -> None:
    """C02: `no` is a word, and 010 is ten; what is quoted is text."""
    text = "{a: no, b: on, c: 1:30, d: 1_000, e: 010, f: 2026-11-21, g: ~, h: '5', i: 5, j: 1e3, k: true}"

    assert values(tmp_path, text) == {
        "a": "no",
        "b": "on",
        "c": "1:30",
        "d": "1_000",
        "e": 10,
        "f": "2026-11-21",
        "g": None,
        "h": "5",
        "i": 5,
        "j": 1000.0,
        "k": True,
    }


def test_blocks_are_text(tmp_path: Path) -> None:
    """A prompt may look like anything."""
    assert values(tmp_path, "a: |\n  5\nb: >-\n  true\n") == {"a": "5\n", "b": "true"}


def test_each_value_has_its_line(tmp_path: Path) -> None:
    """P21: in lists and mappings, in blocks and in braces."""
    text = "a:\n  - b: 1\n    c: {d: 1,\n      e: 2}\n  - 3\n"
    file = tmp_path / "some.yaml"
    file.write_text(text, "utf-8")
    places = read_yaml_file(file).places

    lines = {key: place.line for key, place in places.items()}
    assert lines[("a", 0, "c", "e")] == 4
    assert (lines[("a",)], lines[("a", 0)], lines[("a", 0, "b")], lines[("a", 1)]) == (1, 2, 2, 5)


@given(st.text() | st.text("{}[]:,&*!|>'\"%@` \n\t-#?ab01"))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """P21: there is no third way."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_config(folder / "any.yaml", {})
        whole = True
    except ConfigError:
        whole = False

    assert not whole or read_yaml_file(folder / "any.yaml").sound
