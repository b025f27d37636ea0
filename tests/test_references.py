"""The ids that tests and comments name are explained where a reader can find them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/references.md").read_text("utf-8")
ID = re.compile(r"\b(?:P(?:[12]?[0-9]|30)|[UVDCRTXSK](?:0[1-9]|[12][0-9]))\b(?!\.)")
NAMED = re.compile(r'"""((?:[A-Z][0-9]{1,2}(?:, | to )?)+):')
SECTION = re.compile(r"\b(PROTOCOLS|DESIGN|PITFALLS|USERS)(?: sections?)? ([0-9]+)")
ROOMS = ("pipeline", "stages", "sinks", "tokenweir", "tests", "examples", "benchmarks")


def sources() -> list[str]:
    """The text of every Python file of ours."""
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if not path.is_symlink()]
    return [path.read_text("utf-8") for path in files if path.name != Path(__file__).name]


def test_every_id_has_its_line() -> None:
    """A reader who meets `U23` finds out what it is."""
    explained = set(re.findall(r"^\| ([A-Z][0-9]{1,2}) \|", PAGE, re.MULTILINE))
    named = {found for text in sources() for group in NAMED.findall(text) for found in ID.findall(group)}

    assert len(named) > 50
    assert named <= explained, sorted(named - explained)
    assert len(explained) == 30 + 149


def test_every_section_has_its_line() -> None:
    """The same for `PROTOCOLS 8.2`."""
    named = {(name, int(number)) for text in sources() for name, number in SECTION.findall(text)}
    missing: list[str] = []
    for name, number in sorted(named):
        lines = re.findall(rf"^\| {name}([^|]*)\|", PAGE, re.MULTILINE)
        whole = any(line.strip() == "" or str(number) in re.findall(r"[0-9]+", line) for line in lines)
        if not whole:
            missing.append(f"{name} {number}")

    assert missing == []
