"""A configuration while it is read: its plain values, where each of them came from, and what is wrong.

Law of this file: whoever finds something wrong says so here and goes on, so that all of it is told at
once. A message names a place and a key, and shows no text that could be a secret.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError

Key = tuple[str | int, ...]
"""The way to a value: `("server", "api_keys", 0, "name")`."""

DEPTH = 32
"""How many mappings and lists may stand inside each other."""


_TOLD = 100  # problems that are told one by one
_SHOWN = 60  # characters of a name that are shown


class ConfigError(MisuseError):
    """A configuration that cannot be used. `problems` is all that is wrong with it, a line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Place(Struct, frozen=True):
    """Where a value came from: `source` is a file with its `line`, or a variable or a flag, which `names` the
    key by itself."""

    source: str
    line: int | None = None
    names: bool = False

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


class Reading:
    """What was read so far. `places` tells of each key that was given where it stands; `notes` is what
    is no fault, and should be known all the same."""

    def __init__(self, source: Place) -> None:
        self.values: dict[str, Any] = {}
        self.places: dict[Key, Place] = {(): source}
        self.notes: list[str] = []
        self._kept: dict[Key, Mapping[str | int, str | int]] = {}
        self._faulty: set[Key] = set()
        self._problems: list[tuple[int, str]] = []

    def place_of(self, key: Key) -> Place:
        """Where a key stands; for one that was not given, the nearest one around it."""
        return self.places[self._nearest(key)]

    def given(self, *key: str | int) -> bool:
        """Whether a value was given, in place of the default."""
        return self._as_given(key) in self.places

    def faulty(self, *key: str | int) -> bool:
        """Whether something is wrong with the value of a key itself: what stands for it means nothing."""
        return self._as_given(key) in self._faulty

    def put(self, way: tuple[str, ...], value: Any, place: Place) -> None:
        """Give a key its value, in place of what was given before. Where something around it is no mapping,
        nothing is done: that is wrong already."""
        inner = self.values
        for number, name in enumerate(way[:-1], 1):
            if inner.get(name) is None:
                inner[name] = {}
                self.places.setdefault(way[:number], Place(place.source.partition(":")[0]))
            if not isinstance(inner[name], dict):
                return
            inner = inner[name]
        inner[way[-1]] = value
        size = len(way)
        self.places = {key: known for key, known in self.places.items() if key[:size] != way} | {way: place}

    def keep(self, key: Key, parts: Mapping[str | int, str | int]) -> None:
        """Of a list or a mapping these go on: what they are called from now on, and what in the file."""
        self._kept[key] = parts

    def _as_given(self, key: Key) -> Key:
        """A key with the numbers and names that the file has."""
        given: Key = ()
        for part in key:
            given += (self._kept.get(given, {}).get(part, part),)
        return given

    def wrong(self, key: Key, what: str) -> None:
        """Something is wrong with the value of a key."""
        key = self._as_given(key)
        self._faulty.add(key)
        self._add(self.place_of(key), self._line(key, what))

    def wrong_at(self, place: Place, what: str) -> None:
        """Something is wrong that has no key."""
        self._add(place, f"{place}: {what}")

    def note(self, key: Key, what: str) -> None:
        """Something should be known of the value of a key."""
        self.notes.append(self._line(self._as_given(key), what))

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self._problems

    def settle(self) -> None:
        """Raise ConfigError with all that is wrong, in the order of the file's lines, if anything is."""
        if self._problems:
            ordered = sorted(self._problems, key=lambda problem: problem[0])
            told = list(dict.fromkeys(text for _, text in ordered))
            more = len(told) - _TOLD
            raise ConfigError((*told[:_TOLD], *([f"and {more} more"] if more > 0 else ())))

    def _line(self, key: Key, what: str) -> str:
        near = self._nearest(key)
        place = self.places[near]
        named = place.names and near == key
        return f"{place}: {what}" if named or not key else f"{place}: {dotted(key)}: {what}"

    def _nearest(self, key: Key) -> Key:
        while key not in self.places:
            key = key[:-1]
        return key

    def _add(self, place: Place, text: str) -> None:
        self._problems.append((1 << 30 if place.line is None else place.line, text))


def dotted(key: Key) -> str:
    """A key as it is written.

    >>> dotted(("server", "api_keys", 0, "name"))
    'server.api_keys[0].name'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in key)
    return text.removeprefix(".")


def shown(text: str) -> str:
    r"""A name out of a configuration, short and printable.

    >>> shown("a" * 70) == "a" * 60 + "...", shown("a\tb")
    (True, "'a\\tb'")
    """
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return short if short.isprintable() and short else ascii(short)
