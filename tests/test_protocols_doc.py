"""docs/protocols.md says what the code does: its rows are decoded, its words stand in the code's tables.

Law of this file: the text is run, not read. Each protocol's first table is one answer, read from the top
by one decoder; a row shows what its payload becomes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import pytest
from msgspec import Raw

from tests.contract.payload_paths import paths_in, pattern_of
from tests.dropped_keys import DROPPED
from tests.encoders import WRITTEN, name_of
from tokenweir.pipeline import events as vocabulary
from tokenweir.pipeline.events import Comment, Event, Failure, FinishReason, SSEEvent, WireItem
from tokenweir.stages import decode_protocol
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS

ROOT = Path(__file__).parents[1]
DOC = (ROOT / "docs" / "protocols.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL))
REASONS = frozenset(get_args(FinishReason))
NAMES = sorted(PROTOCOLS)
BODY_ENDS = "(the body ends)"
WORDS = {name: getattr(vocabulary, name) for name in dir(vocabulary) if name[0].isupper()} | {"Raw": Raw}


class Row(NamedTuple):
    """A row of a protocol's answer: the fields that it is about, the payload, and what comes of it."""

    fields: list[str]
    payload: str
    events: str


def table(section: str, *heads: str) -> list[list[str]]:
    """The rows of the table with this head; none where there is no such table."""
    found = re.search(rf"^\| {' [|] '.join(heads)} \|\n\|[-|]+\|\n((?:\|.*\|\n)*)", section, re.MULTILINE)
    lines = found[1].splitlines() if found else []
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def code(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`+ ?(.*?) ?`+", cell)


def rows(protocol: str) -> list[Row]:
    """The answer of a protocol's section."""
    return [
        Row(code(fields), (code(payload) or [payload])[0], (code(events) or [""])[0])
        for fields, payload, events in table(SECTIONS[protocol], "field", "payload", "events")
    ]


def item_of(payload: str) -> WireItem:
    """A payload as it leaves the framing."""
    if payload.startswith(":"):
        return Comment(payload[1:].strip())
    try:
        value: Any = json.loads(payload)
    except ValueError:
        return SSEEvent(payload.encode())
    kind = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
    return SSEEvent(payload.encode(), kind if isinstance(kind, str) else "message")


def shown(text: str) -> list[Event]:
    """The events that a cell shows."""
    return list(eval(f"[{text}]", {"__builtins__": {}}, WORDS))  # noqa: S307 - the project's own text


def plain(event: Event) -> Event:
    """An event without what no row shows: the raw error beside its message."""
    failure = getattr(event, "failure", None)
    if isinstance(event, vocabulary.Done) and isinstance(failure, Failure):
        return vocabulary.Done(Failure(failure.kind, failure.message))
    return event


def told(protocol: str) -> Iterator[tuple[Row, list[Event]]]:
    """Each row, and what the decoder makes of it behind the rows before it."""
    core = decode_protocol(protocol).core()
    for row in rows(protocol):
        events = core.finish() if row.payload == BODY_ENDS else core.feed([item_of(row.payload)])
        yield row, [plain(event) for event in events]


def test_every_protocol_has_its_section() -> None:
    """And nothing is described that is not there."""
    assert SECTIONS.keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("protocol", NAMES)
def test_the_answer_is_decoded_as_shown(protocol: str) -> None:
    """P1: row by row, from the top."""
    read = list(told(protocol))

    assert len(read) >= 3
    for row, events in read:
        assert events == shown(row.events), row.payload


@pytest.mark.parametrize("protocol", NAMES)
def test_a_row_has_the_fields_that_it_is_about(protocol: str) -> None:
    """A field is written as it stands in the payload of its row."""
    for row in rows(protocol):
        if row.fields:
            payload = json.loads(row.payload)
            found = {pattern_of({}, path) for path, _ in paths_in(payload)}
            assert set(row.fields) <= found, row.payload


def families(protocol: str) -> Iterator[str]:
    """How the names of the modules begin that a protocol's decoder is made of: its own, and those of the
    decoders that it builds on."""
    module, _, name = PROTOCOLS[protocol].partition(":")
    for base in getattr(import_module(module), name).__mro__:
        if base.__module__.endswith("_decode"):
            yield base.__module__.rpartition(".")[2].removesuffix("_decode")


def _is_table(value: object) -> bool:
    """Whether it maps words to finish reasons."""
    table: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType] - mypy knows
    words = [word for item in table.items() for word in item]
    return bool(words) and all(isinstance(word, str) for word in words) and {*table.values()} <= REASONS


def tables_of(protocol: str) -> dict[str, str]:
    """Every native finish reason in the tables of a protocol's modules, and what it is mapped to."""
    found: dict[str, str] = {}
    for family in families(protocol):
        for path in sorted((ROOT / "pipeline" / "protocols").glob(f"{family}*.py")):
            for name, value in vars(import_module(f"tokenweir.pipeline.protocols.{path.stem}")).items():
                if name[0].isupper() and _is_table(value):
                    found.update(value)
    return found


@pytest.mark.parametrize("protocol", NAMES)
def test_the_finish_reasons_are_those_of_the_code(protocol: str) -> None:
    """Each native reason with its own, both ways; any other is "other"."""
    written = {
        native.strip('"'): code(reason)[0]
        for natives, reason in table(SECTIONS[protocol], "native", "reason")
        for native in code(natives)
    }

    assert written == tables_of(protocol)
    assert set(written.values()) <= REASONS


@pytest.mark.parametrize("protocol", NAMES)
def test_how_it_is_framed_and_written(protocol: str) -> None:
    """The framing is that of the table, and an encoder is named where there is one."""
    section = SECTIONS[protocol]
    framing = re.search(r"^Framing: `(\w+)`", section, re.MULTILINE)
    encoder = re.search(r"^Written by: `(\w+)`", section, re.MULTILINE)

    assert framing is not None
    assert framing[1] == FRAMING[protocol]
    assert "\nComplete: " in section
    assert (encoder is not None) == (protocol in WRITTEN)
    if encoder is not None:
        assert encoder[1] == name_of(protocol)


@pytest.mark.parametrize("protocol", NAMES)
def test_what_is_not_passed_on_is_said(protocol: str) -> None:
    """The reviewed list stands in the section, entry by entry."""
    found = re.search(r"^Not passed on: (.*?)\n\n", SECTIONS[protocol] + "\n", re.MULTILINE | re.DOTALL)
    named = code(found[1]) if found else []

    assert set(named) == DROPPED.get(protocol, {}).keys()
