"""anthropic, reading: the content blocks of a message as events.

Law of this file: what stands inside `content` and the deltas that build it (PROTOCOLS section 6), and
nothing of the message around it. Pure. A block is known by its index from its start to its stop; several
may be open at once, since llama-server stops them all at the end. What nobody models is an `Extra` of the
block's own type.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Delta, Event, Extra, ToolDelta
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT, arguments_text
from tokenweir.pipeline.protocols.unicode_halves import whole

HELD_LIMIT = 1_048_576
"""Characters of server tools' input (and other blocks that come in pieces) that wait for their stop."""

_BUILT = frozenset({"compaction"})
"""Block types without an `input` that deltas complete."""
_KNOWN_BLOCK: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "citations"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
}
_TEXT_OF: Mapping[str, str] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "citations_delta": "citation",
    "input_json_delta": "partial_json",
}
"""Delta type -> the one field that it brings."""
_TYPES: Mapping[str, type] = {"text": str, "thinking": str, "citations": list, "id": str, "name": str}


class _Call:
    """A call of the client's tool. `given` says whether any argument has come, `complete` whether its start
    had them all."""

    __slots__ = ("complete", "given", "number")

    def __init__(self, number: int, *, complete: bool) -> None:
        self.number = number
        self.given = self.complete = complete


class _Held:
    """A block that is told when it is whole."""

    __slots__ = ("block", "input", "size")

    def __init__(self, block: dict[str, Any]) -> None:
        self.block = block
        self.input: list[str] = []
        self.size = 0


class Blocks:
    """The content blocks of one message. `seen` says whether any text or call has come."""

    __slots__ = ("_calls", "_count", "_held", "_size", "seen")

    def __init__(self) -> None:
        self.seen = False
        self._calls: dict[object, _Call] = {}
        self._held: dict[object, _Held] = {}
        self._count = 0
        self._size = 0

    def start(self, index: object, block: Mapping[str, Any], out: list[Event]) -> None:
        """A block begins; it may already hold what it says.

        Raises OverflowError beyond CALL_LIMIT calls, and beyond HELD_LIMIT characters that wait.
        """
        self.stop(index, out)
        kind = as_text(block.get("type"))
        if kind == "text":
            self._text(as_text(block.get("text")), out)
            out += [Extra("citation", as_raw(found), 0) for found in as_list(block.get("citations"))]
        elif kind == "thinking":
            self._thinking(as_text(block.get("thinking")), out)
            _sign(block.get("signature"), out)
        elif kind == "tool_use":
            self._call(index, block, out)
        elif isinstance(block.get("input"), dict) or kind in _BUILT:
            held = self._held[_key(index)] = _Held(dict(block))
            self._hold(held, len(bytes(as_raw(block))))
        elif block:
            out.append(Extra(whole(kind) or "content_block", as_raw(block), 0))
        if kind in ("text", "thinking"):
            _rest("content_block", {"type": kind}, block, _KNOWN_BLOCK[kind], out)

    def delta(self, index: object, delta: Mapping[str, Any], out: list[Event]) -> None:
        """A piece of a block. Raises OverflowError as `start`."""
        kind = as_text(delta.get("type"))
        if kind == "text_delta":
            self._text(as_text(delta.get("text")), out)
        elif kind == "thinking_delta":
            self._thinking(as_text(delta.get("thinking")), out)
        elif kind == "signature_delta":
            _sign(delta.get("signature"), out)
        elif kind == "citations_delta":
            out.append(Extra("citation", as_raw(delta.get("citation")), 0))
        elif not self._build(kind, _key(index), delta, out):
            if delta:
                out.append(Extra(whole(kind) or "delta", as_raw({"index": index, **delta}), 0))
            return
        if kind in _TEXT_OF:
            _rest(kind, {}, delta, frozenset({"type", _TEXT_OF[kind]}), out)

    def stop(self, index: object, out: list[Event]) -> None:
        """A block is whole: a call without an argument has the empty object."""
        key = _key(index)
        call, held = self._calls.pop(key, None), self._held.pop(key, None)
        if call is not None and not call.given:
            out.append(ToolDelta(call.number, None, None, "{}"))
        if held is not None:
            self._size -= held.size
            out.append(_told(held))

    def close(self, out: list[Event]) -> None:
        """The message is whole, and so is every block."""
        for index in [*self._calls, *self._held]:
            self.stop(index, out)

    def flush(self, out: list[Event]) -> None:
        """The message was cut: what was held is given up as far as it came, and no argument is made up."""
        out += map(_told, self._held.values())
        self._held.clear()
        self._calls.clear()

    def _text(self, text: str, out: list[Event]) -> None:
        if text:
            self.seen = True
            out.append(Delta(text))

    def _thinking(self, text: str, out: list[Event]) -> None:
        if text:
            self.seen = True
            out.append(Delta(text, "reasoning"))

    def _call(self, index: object, block: Mapping[str, Any], out: list[Event]) -> None:
        if self._count >= CALL_LIMIT:
            raise OverflowError(f"more than {CALL_LIMIT} tool calls in one answer")
        number, self._count = self._count, self._count + 1
        arguments = arguments_text(block.get("input") or None)
        call_id, name = (whole(as_text(block.get(key))) or None for key in ("id", "name"))
        self.seen = True
        self._calls[_key(index)] = _Call(number, complete=bool(arguments))
        out.append(ToolDelta(number, call_id, name, arguments))
        _rest("tool_call", {"call": number}, block, _KNOWN_BLOCK["tool_use"], out)

    def _build(self, kind: str, key: object, delta: Mapping[str, Any], out: list[Event]) -> bool:
        """A delta that belongs to an open call or a held block; False where there is none for it."""
        call, held = self._calls.get(key), self._held.get(key)
        text = arguments_text(delta.get("partial_json")) if kind == "input_json_delta" else ""
        if kind == "input_json_delta" and call is not None and not call.complete:
            call.given = call.given or bool(text)
            if text:
                out.append(ToolDelta(call.number, None, None, text))
        elif kind == "input_json_delta" and held is not None:
            held.input.append(text)
            self._hold(held, len(text))
        elif held is not None and kind == f"{held.block.get('type')}_delta":
            self._hold(held, len(bytes(as_raw(delta))))
            held.block |= {name: value for name, value in delta.items() if name != "type"}
        else:
            return False
        return True

    def _hold(self, held: _Held, size: int) -> None:
        held.size += size + 1  # so that pieces of nothing are bounded too
        self._size += size + 1
        if self._size > HELD_LIMIT:
            raise OverflowError(f"more than {HELD_LIMIT} characters of blocks that are not whole")


def _key(index: object) -> object:
    return index if isinstance(index, (int, str)) else None


def _sign(signature: object, out: list[Event]) -> None:
    """Servers that imitate the API send an empty one."""
    if signature:
        out.append(Extra("signature", as_raw(signature), 0))


def _rest(
    kind: str, head: dict[str, Any], fields: Mapping[str, Any], known: frozenset[str], out: list[Event]
) -> None:
    """What nobody models in a block or delta that is modelled, and what is of another type there."""
    rest = {name: value for name, value in fields.items() if name not in known and value is not None}
    rest |= misread(fields, _TYPES)
    if rest:
        out.append(Extra(kind, as_raw({**head, **rest}), 0))


def _told(held: _Held) -> Extra:
    """The block, its input as an object where its pieces are one, else as text."""
    text = "".join(held.input)
    if text:
        try:
            found = msgspec.json.decode(text, type=dict[str, Any])
            held.block["input"] = {**as_object(held.block.get("input")), **found}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            held.block["input"] = text
    return Extra(whole(as_text(held.block.get("type"))) or "content_block", as_raw(held.block), 0)
