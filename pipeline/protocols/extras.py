"""What a backend sends and nobody models: kept as raw JSON, never dropped unseen.

Law of this file: when an unknown field is news. Around the choices, backends repeat many fields in
every chunk, so there a value counts once. Inside a choice every value counts, since it may belong to
the tokens beside it: two equal log probabilities, or two equal pieces of silence, are two.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.events import Event, Extra
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.unicode_halves import whole

STEADY = frozenset({"channel", "content_filter_results", "safetyRatings", "seed", "message", "end_turn"})
"""Fields of a choice that say the same in every chunk (Groq, Azure, Gemini, Together, Writer): they count
once a value."""
REMEMBERED = 64
"""Fields whose last value is remembered; beyond them, repeats pass."""


def misread(fields: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """The known fields that are not of the type in which they are read: kept like unknown ones.

    >>> misread({"content": 5, "role": None, "new": 1}, {"content": str, "role": str})
    {'content': 5}
    """
    return {
        key: fields[key]
        for key, kind in types.items()
        if key in fields and fields[key] is not None and not isinstance(fields[key], kind)
    }


class Extras:
    """The unknown fields of one answer."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[tuple[str, int | None], int] = {}

    def take(self, fields: Mapping[str, Any], index: int | None, out: list[Event]) -> None:
        """Add an `Extra` to `out` for every field that says something; `index` is the choice that they
        stand in, or None."""
        for key, value in fields.items():
            if value is None or value in ("", [], {}) or _is_blank(value):
                continue
            data = as_raw(value)
            repeats = index is None or key in STEADY
            if not repeats or self._is_new((key, index), hash(bytes(data))):
                out.append(Extra(whole(key), data, index))

    def _is_new(self, key: tuple[str, int | None], mark: int) -> bool:
        if self._last.get(key) == mark:
            return False
        if key in self._last or len(self._last) < REMEMBERED:
            self._last[key] = mark
        return True


def _is_blank(value: object) -> bool:
    """An object in which nothing is set."""
    inside = as_object(value)
    return bool(inside) and all(inner is None for inner in inside.values())
