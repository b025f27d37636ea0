"""lmstudio-native, calling: tool calls as LM Studio's websocket tells them, piece by piece.

Law of this file: pure; which call a message belongs to, and what of it is new (PROTOCOLS 3.5). The
pieces of the arguments are what the model writes; the call at the end is what LM Studio understood, which
is kept beside them where it is something else.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Event, Extra, ToolDelta
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT, arguments_text
from tokenweir.pipeline.protocols.unicode_halves import whole

ARGUMENTS_LIMIT = 8 * 1024 * 1024
"""Characters of the arguments of one call: all of them are held until it ends."""

_KNOWN = frozenset({"id", "type", "name", "arguments"})


class NativeCalls:
    """The calls of one answer, numbered in the order in which their names come. Arguments that come before
    the name wait for it."""

    __slots__ = ("_id", "_named", "_pieces", "_size", "count")

    def __init__(self) -> None:
        self.count = 0
        """How many have been told."""
        self.start(None)

    def start(self, call_id: object) -> None:
        """A call begins; it may have no name yet."""
        self._named, self._id = False, whole(as_text(call_id)) or None
        self._pieces: list[str] = []
        self._size = 0

    def name(self, name: object, out: list[Event]) -> None:
        """It is called so. Raises OverflowError beyond CALL_LIMIT calls."""
        told = whole(as_text(name))
        if told and not self._named:
            self._tell(told, "".join(self._pieces), out)

    def arguments(self, piece: str, out: list[Event]) -> None:
        """More of its arguments. Raises OverflowError beyond ARGUMENTS_LIMIT characters."""
        self._size += len(piece)
        if self._size > ARGUMENTS_LIMIT:
            raise OverflowError(f"the arguments of a tool call have more than {ARGUMENTS_LIMIT} characters")
        self._pieces.append(piece)
        if self._named and piece:
            out.append(ToolDelta(self.count - 1, None, None, piece))

    def end(self, request: Mapping[str, Any], out: list[Event]) -> None:
        """The whole call, as LM Studio understood it."""
        understood, written = request.get("arguments"), "".join(self._pieces)
        text = "" if self._size else arguments_text(understood) or "{}"
        told_id = whole(as_text(request.get("id"))) or None
        rest = {key: value for key, value in request.items() if key not in _KNOWN}
        if self._named:
            new_id = told_id if self._id is None else None
            if new_id or text:
                out.append(ToolDelta(self.count - 1, new_id, None, text))
        else:
            self._id = self._id or told_id
            self._tell(whole(as_text(request.get("name"))), written or text, out)
        if self._size and _value(written) != (understood or {}):
            rest["arguments"] = understood
        if rest:
            out.append(Extra("tool_call", as_raw({"call": self.count - 1, **rest}), 0))
        self.start(None)

    def _tell(self, name: str, arguments: str, out: list[Event]) -> None:
        if self.count >= CALL_LIMIT:
            raise OverflowError(f"more than {CALL_LIMIT} tool calls in one answer")
        self.count, self._named = self.count + 1, True
        out.append(ToolDelta(self.count - 1, self._id, name or None, arguments))


def _value(text: str) -> object:
    """What a text says as JSON; nothing, where it is none."""
    try:
        return as_object(msgspec.json.decode(text)) if text.strip() else {}
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
