"""openai-chat, around the choices: the head of an answer, its figures, its errors, and the rest.

Law of this file: the fields of a chunk that stand beside `choices`, and those inside a choice that are
about the whole answer (usage, error) in some dialects. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.events import Event, Start, Usage
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.failures import says_error
from tokenweir.pipeline.protocols.unicode_halves import whole
from tokenweir.pipeline.protocols.usage import read_usage, unread_usage

_READ = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})
_NOISE = frozenset({"obfuscation", "p", "stream_options"})
"""Padding, and the request's own words."""
_KNOWN = _READ | _NOISE | {"x_groq", "prompt_progress"}
_PROGRESS = frozenset({"total", "cache", "processed", "time_ms"})
_GROQ = frozenset({"usage", "error"})
_TYPES: Mapping[str, type] = {"choices": list, "usage": dict}


HELD_LIMIT = 64
"""Events that wait for an answer's name; then it starts without one."""


class Around:
    """What is known of one answer as a whole. `Start` is the first event: what comes before a chunk that
    names the answer waits for it (Azure's first chunk has no name)."""

    __slots__ = ("_extras", "_held", "_provider", "_started", "_usage")

    def __init__(self, provider: str | None) -> None:
        self._provider = provider
        self._extras = Extras()
        self._started = False
        self._held: list[Event] = []
        self._usage: Usage | None = None

    def start(self, chunk: Mapping[str, Any], listed: Sequence[object], out: list[Event]) -> None:
        """Add a `Start` where this chunk is the first that names itself, or that has a choice."""
        if self._started or not (chunk.get("id") or chunk.get("model") or listed):
            return
        answer, model = (whole(as_text(chunk.get(name))) or None for name in ("id", "model"))
        self._begin(Start(answer, self._provider, model, as_count(chunk.get("created")) or None), out)

    def _begin(self, start: Start, out: list[Event]) -> None:
        self._started = True
        out.extend((start, *self._held))
        self._held.clear()

    def give(self, out: list[Event]) -> None:
        """Add what waits for a name that never came; an answer that has not begun has no `Start`."""
        out.extend(self._held)
        self._held.clear()

    def keep(self, fields: Mapping[str, Any], index: int | None, out: list[Event]) -> None:
        """Add the fields that say something, as `Extra`."""
        self._extras.take(fields, index, out if self._started else self._held)
        if len(self._held) > HELD_LIMIT:
            self._begin(Start(None, self._provider), out)

    def take(self, chunk: Mapping[str, Any], listed: Sequence[Mapping[str, Any]], out: list[Event]) -> None:
        """Add the figures, beside the choices, in Groq's own place or in a choice (Moonshot), and what
        nobody models."""
        for place in (chunk, as_object(chunk.get("x_groq")), *listed):
            if "usage" in place:
                self._figures(as_object(place["usage"]), out)
        self.keep(misread(chunk, _TYPES), None, out)
        strange = [entry for entry in as_list(chunk.get("choices")) if entry and not as_object(entry)]
        self.keep({"choices": strange}, None, out)
        if chunk.keys() <= _READ:
            return
        self.keep({key: chunk[key] for key in chunk if key not in _KNOWN}, None, out)
        for name, known in (("x_groq", _GROQ), ("prompt_progress", _PROGRESS)):
            inside = as_object(chunk.get(name))
            self.keep({name: {key: inside[key] for key in inside if key not in known}}, None, out)

    def _figures(self, found: Mapping[str, Any], out: list[Event]) -> None:
        if found:
            usage = read_usage(found, self._usage)
            if usage is not None:
                self._usage = usage
                (out if self._started else self._held).append(usage)
            self.keep({"usage": unread_usage(found)}, None, out)


def error_in(chunk: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> object:
    """The error that a chunk with choices carries: beside them, inside one of them (OpenRouter), or in
    Groq's own place; None where there is none."""
    for place in (chunk, *listed, as_object(chunk.get("x_groq"))):
        if "error" in place and says_error(place["error"]):
            return place["error"]
    return None
