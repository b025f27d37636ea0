r"""Events written as lines of bytes, so that a fuzzer of bytes can write them: for stages behind a decoder.

Law of this file: every bytes object is a script, and every script gives events in an order in which a
decoder may give them: nothing of a choice after its finish, and nothing at all after `Done`.

>>> events_of(b"tHello\nt wor\nt1else\nf\nd")[:2]
[Delta(text='Hello', channel='text', index=0), Delta(text=' wor', channel='text', index=0)]
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from tokenweir.pipeline.events import Channel, Delta, Done, Event, Extra, Failure, Finish, ToolDelta, Usage

_CHANNELS: dict[str, Channel] = {"t": "text", "r": "reasoning", "x": "refusal"}
_ENDS: dict[str, Event] = {"d": Done(), "e": Done(Failure("upstream", "boom"))}


def events_of(script: bytes) -> list[Event]:
    r"""The events. A line is a letter, perhaps the digit 1 for choice (or call) 1, and text, in which
    `\x01` stands for a line end."""
    out: list[Event] = []
    finished: set[int] = set()
    named: set[int] = set()
    for line in script.decode("utf-8", "replace").split("\n"):
        kind, rest = line[:1], line[1:]
        second = rest.startswith("1")
        index, text = int(second), (rest[1:] if second else rest).replace("\x01", "\n")
        if kind in _ENDS:
            return [*out, _ENDS[kind]]
        if kind in _CHANNELS and index not in finished and text:
            out.append(Delta(text, _CHANNELS[kind], index))
        elif kind == "a" and 0 not in finished:
            first = index not in named
            named.add(index)
            out.append(ToolDelta(index, "c" if first else None, "f" if first else None, text))
        elif kind == "f" and index not in finished:
            finished.add(index)
            out.append(Finish("length" if text else "stop", None, index))
        elif kind == "u":
            out.append(Usage(1, len(text), partial=second))
        elif kind == "k":
            out.append(Extra("k", Raw(b"1"), index))
    return out


def script_of(events: Iterable[Any]) -> bytes:
    """A script that gives much the same events; what has no letter is left out."""
    letters = {channel: letter for letter, channel in _CHANNELS.items()}
    lines: list[str] = []
    for event in events:
        if isinstance(event, Delta):
            lines.append(letters[event.channel] + _digit(event.index) + event.text.replace("\n", "\x01"))
        elif isinstance(event, ToolDelta):
            lines.append("a" + _digit(event.call) + event.arguments.replace("\n", "\x01"))
        elif isinstance(event, Finish):
            lines.append("f" + _digit(event.index) + ("" if event.reason == "stop" else "x"))
        elif isinstance(event, Usage):
            lines.append("u" + "x" * min(event.output or 0, 99))
        elif isinstance(event, Done):
            lines.append("e" if event.failure else "d")
    return "\n".join(lines).encode()


def _digit(number: int) -> str:
    return "1" if number else ""
