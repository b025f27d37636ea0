"""A YAML file into plain values, and the line of each key.

Law of this file: the parser's events alone, never a loader that makes objects. What YAML has beyond plain
values is refused by its line: anchors, aliases, tags, a key twice, a key that is no text, a second document.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tokenweir.config.plain_file import UnreadableError, read_plain_file
from tokenweir.config.reading import DEPTH, Key, Place, Reading, dotted, shown
from tokenweir.config.scalars import Scalar, read_scalar
from tokenweir.config.yaml_words import in_words

SIZE = 1024 * 1024
"""Bytes that a file may have."""


def read_yaml_file(path: Path) -> Reading:
    """The file's values and places. What is wrong with it is in the reading, not raised."""
    source = str(path)
    reading = Reading(Place(source, 1))
    try:
        text = read_plain_file(path, SIZE).data.decode("utf-8-sig")
    except UnreadableError as why:
        reading.wrong_at(Place(source), str(why))
    except UnicodeDecodeError as bad:
        line = bad.object.count(b"\n", 0, bad.start) + 1
        reading.wrong_at(Place(source, line), "this is no UTF-8 text: save the file as UTF-8")
    else:
        _Builder(reading, source, text).read()
    return reading


class _GoneWrongError(Exception):
    """What follows cannot be read."""


class _Builder:
    """The events of one text, made into values."""

    def __init__(self, reading: Reading, source: str, text: str) -> None:
        self._reading = reading
        self._source = source
        self._text = text
        self._events: Iterator[yaml.Event] = iter(())

    def read(self) -> None:
        """Fill the reading."""
        try:
            self._events = yaml.parse(self._text, Loader=yaml.SafeLoader)
            self._document()
        except _GoneWrongError:
            return
        except yaml.reader.ReaderError as bad:
            line = self._text.count("\n", 0, bad.position) + 1
            self._wrong(line, f"this is no YAML: the character {bad.character!a} is not allowed")
        except yaml.MarkedYAMLError as bad:
            line, what = in_words(bad)
            self._wrong(line, f"this is no YAML: {what}")

    def _document(self) -> None:
        next(self._events)  # the stream's beginning
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return self._wrong(1, "the file is empty")
        event = next(self._events)
        value = self._value(event, ())
        next(self._events)
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            self._wrong(_line(after), "a second document begins here; a configuration is one")
        if isinstance(value, dict):
            self._reading.values = value
            return None
        what = "a configuration is a mapping: `inference:` and what belongs to it"
        return self._wrong(_line(event), "the file is empty" if value is None else what)

    def _value(self, event: yaml.Event, key: Key) -> Any:
        if len(key) > DEPTH:
            self._wrong(_line(event), f"more than {DEPTH} levels deep")
            raise _GoneWrongError
        if isinstance(event, yaml.AliasEvent):
            return self._wrong(
                _line(event), f"an alias (*{shown(event.anchor or '')}): write the value itself"
            )
        anchor: str | None = getattr(event, "anchor", None)
        tag: str | None = getattr(event, "tag", None)
        if anchor is not None:
            self._wrong(_line(event), f"an anchor (&{shown(anchor)}): leave it out")
        if tag is not None:
            self._wrong(_line(event), f"a tag ({shown(tag)}): leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(key)
        return self._mapping(key)

    def _sequence(self, key: Key) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            own = (*key, len(found))
            self._reading.places[own] = self._place(event)
            found.append(self._value(event, own))
        return found

    def _mapping(self, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._name(event, key)
            own = (*key, "?" if name is None else name)
            if name in found:
                first = self._reading.places[own].line
                self._wrong(_line(event), f"{dotted(own)}: a second time; the first is in line {first}")
            else:
                self._reading.places[own] = self._place(event)
            value = self._value(next(self._events), own)
            if name is not None:
                found.setdefault(name, value)
        return found

    def _name(self, event: yaml.Event, key: Key) -> str | None:
        """A mapping's key; None for one that is no text."""
        read = self._value(event, (*key, "?"))
        if isinstance(read, str):
            return read
        if isinstance(event, yaml.ScalarEvent):
            self._wrong(_line(event), f'a key is text: write "{shown(event.value)}" in quotes')
        elif not isinstance(event, yaml.AliasEvent):
            self._wrong(_line(event), "a key is text, no list or mapping; braces and brackets need quotes")
        return None

    def _place(self, event: yaml.Event) -> Place:
        return Place(self._source, _line(event))

    def _wrong(self, line: int, what: str) -> None:
        self._reading.wrong_at(Place(self._source, line), what)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    """Quoted text and blocks are text; a plain word is what it looks like."""
    return read_scalar(event.value) if event.implicit[0] else event.value


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1
