"""sse_decode: bytes of an event stream in, `SSEEvent`s and `Comment`s out.

Law of this file: the WHATWG event-stream format (HTML 9.2.5 and 9.2.6), and, unless `strict`, what
LLM servers really send in its place (each leniency is a method below, with its reason). It knows
nothing of JSON's meaning: only whether a piece of text is a whole JSON value.

What a line is stands in sse_lines.py. Linear time and memory whatever the chunking: what is
unfinished is kept as bytes, not as pieces.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Comment, Done, Failure, SSEEvent, WireItem
from tokenweir.pipeline.json_text import JSONText, is_json
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.sse_lines import Lines, events_in, text_of

if TYPE_CHECKING:
    from tokenweir.pipeline.core import Core

EVENT_LIMIT = 8 * 1024 * 1024
"""Bytes that one event may take by default: real tool calls and images go beyond 1 MiB."""

_SAMPLE = 200
_DONE = b"[DONE]"
_BEGINNINGS = (b"data", b"event", b"id", b"retry", b"error")
"""What the last bytes of a body may be the beginning of: a field that was cut off, not other text."""


def sse_decode(*, strict: bool = False, limit: int = EVENT_LIMIT) -> Stage[bytes, WireItem]:
    r"""Decode a server-sent event stream.

    In: bytes, cut anywhere. Out: `SSEEvent` (data as bytes) and `Comment`, and one
    `Done(Failure("limit"))` where an event is larger than `limit` bytes (everything after it is
    ignored), or `Done(Failure("protocol"))` where the body holds no event at all but something else.

    `strict` follows the standard to the letter. The default also dispatches an unterminated last
    event that is `[DONE]` or whole JSON, separates events that one line end separates, and reads a
    bare JSON body, NDJSON lines, and llama-server's old `error:` field. The size of an event is that
    of its lines from the first `data` on, without their ends. Held: one event, at most `limit` bytes.

    Raises MisuseError where `limit` is not positive.

    >>> list(sse_decode().core().feed([b'data: {"a"', b':1}\n\n: ping\n\n']))
    [SSEEvent(data=b'{"a":1}', type='message', id=''), Comment(text='ping')]
    """
    if limit <= 0:
        msg = f"sse_decode(limit={limit}): the limit is a number of bytes, at least 1"
        raise MisuseError(msg)

    def make() -> "Core[bytes, WireItem]":
        return SSEDecode(strict=strict, limit=limit)

    return Stage(make, "sse_decode", takes="bytes", gives="wire")


class SSEDecode:
    """The core: a line splitter with a checked fast path, and the field machine."""

    def __init__(self, *, strict: bool, limit: int) -> None:
        self._strict = strict
        self._limit = limit
        self._lines = Lines()
        self._size = 0  # bytes of the lines of an unfinished event
        self._data: bytes | None = None  # the first data line, and those after it
        self._more = bytearray()
        self._type = ""
        self._late: str | None = None  # a type that came after the first data line
        self._id = ""
        self._json: JSONText | None = None
        self._sample = b""
        self._dispatched = False
        self._over = False

    def feed(self, items: Sequence[bytes]) -> list[WireItem]:
        out: list[WireItem] = []
        for data in items:
            if self._over:
                break
            if self._is_one_event(data):
                out.append(SSEEvent(data[6:-2]))
                continue
            block = self._lines.take(data)
            if block:
                if self._data is None and self._json is None and not self._type:
                    block = self._take_fast(block, out)
                if block:
                    self._take_lines(block, out)
            if not self._over and self._size + len(self._lines.rest) > self._limit:
                self._stop(out)
        return out

    def _is_one_event(self, data: bytes) -> bool:
        """One read, one event, and nothing else in either: what a model's pace gives."""
        return (
            self._dispatched
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and data.count(b"\n") == 2  # noqa: PLR2004 - those two
            and b"\r" not in data
            and self._lines.idle
            and self._data is None
            and self._json is None
            and not (self._type or self._id)
            and len(data) <= self._limit
        )

    def _stop(self, out: list[WireItem]) -> None:
        self._over = True
        message = f"one event is larger than {self._limit} bytes (the limit of sse_decode)"
        out.append(Done(Failure("limit", message)))
        self._lines.rest.clear()
        self._more.clear()
        self._data = self._json = None

    def _take_fast(self, block: bytes, out: list[WireItem]) -> bytes:
        """The form that nearly every server sends: `data: X` and an empty line, nothing else.

        Taken only where there is provably no other line in it; gives back what it did not take.
        """
        cut = block.rfind(b"\n\n") + 2
        if cut < len(b"\n\n") or not block.startswith(b"data: "):
            return block
        pieces = events_in(block, cut)
        if not pieces:
            return block
        if len(max(pieces, key=len)) + len(b"data: ") > self._limit:
            return block
        if self._id:
            out.extend([SSEEvent(piece, "message", self._id) for piece in pieces])
        else:
            out.extend(map(SSEEvent, pieces))
        self._dispatched = True
        return block[cut:]

    def _take_lines(self, block: bytes, out: list[WireItem]) -> None:
        lines = block.split(b"\n")
        lines.pop()
        for line in lines:
            self._size += len(line) + (self._json is not None)
            if self._size > self._limit:
                self._stop(out)
                return
            if line or self._json is not None:
                self._take_line(line, out)
            else:
                self._dispatch(out)
            if self._data is None and self._json is None:
                self._size = 0

    def _take_line(self, line: bytes, out: list[WireItem]) -> None:
        if self._json is not None:
            self._take_json(line, out)
            return
        if line.startswith(b":"):
            out.append(Comment(line[1:].decode("utf-8", "replace").strip()))
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._take_data(line, value, out)
        elif name == b"event":
            if self._data is None:
                self._type = text_of(value)
            else:
                self._late = text_of(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = text_of(value)
        elif not self._strict and name != b"retry":
            self._take_unknown(line, name, value, out)

    def _take_data(self, line: bytes, value: bytes, out: list[WireItem]) -> None:
        """Lenient: where the data so far is whole JSON and another value begins, the empty line
        between two events is missing (SDKs silently lose everything there)."""
        if self._data is None:
            self._data = value
        elif not self._strict and not self._more and value.startswith((b"{", _DONE)) and is_json(self._data):
            self._emit(self._data, self._type, out)
            self._data, self._size = value, len(line)
            self._type, self._late = self._late or "", None
        else:
            self._more += b"\n"
            self._more += value

    def _take_unknown(self, line: bytes, name: bytes, value: bytes, out: list[WireItem]) -> None:
        """Lenient: llama-server's old `error: {...}` field, and bare JSON (a JSON body, NDJSON, an
        error that a proxy wrote raw into the stream). Anything else is ignored, as the standard
        says, but remembered for the message of a body that held no event at all."""
        if name == b"error" and value:
            self._dispatch(out)
            self._emit(value if is_json(value) else msgspec.json.encode(text_of(value)), "error", out)
        elif line.lstrip()[:1] in (b"{", b"["):
            kind = self._type if self._data is None else ""
            self._dispatch(out)
            self._type, self._json = kind, JSONText()
            self._take_json(line, out)
        else:
            self._ignore(line)

    def _take_json(self, line: bytes, out: list[WireItem]) -> None:
        text = self._json
        if text is not None and text.add(line):
            self._json = None
            value = text.value()
            if value.strip() == _DONE or is_json(value):
                self._emit(value, self._type, out)
                self._type = ""
            else:
                self._ignore(value)

    def _ignore(self, line: bytes) -> None:
        if len(self._sample) < _SAMPLE:
            self._sample = (self._sample + b" " + line.strip()).lstrip()[:_SAMPLE]

    def _dispatch(self, out: list[WireItem]) -> None:
        if self._data is not None:
            kind = self._type if self._late is None else self._late
            self._emit(self._data + self._more if self._more else self._data, kind, out)
            self._data, self._late = None, None
            self._more.clear()
        self._type = ""

    def _emit(self, data: bytes, kind: str, out: list[WireItem]) -> None:
        self._dispatched = True
        out.append(SSEEvent(data, kind or "message", self._id))

    def finish(self) -> list[WireItem]:
        """The standard discards an unfinished event. Lenient: real servers end so (`data: [DONE]`
        and EOF), so it counts where it is `[DONE]` or whole JSON. Other unfinished data was cut off;
        text that is no event at all is a fault of its own."""
        out: list[WireItem] = []
        if self._over or self._strict:
            return out
        rest = bytes(self._lines.rest)
        if rest and (self._json is not None or not any(name.startswith(rest) for name in _BEGINNINGS)):
            self._take_line(rest, out)
        if self._data is not None:
            pending = self._data + self._more
            if pending.strip() == _DONE or is_json(pending):
                self._dispatch(out)
        elif self._sample and not self._dispatched and self._json is None:
            shown = ascii(text_of(self._sample))[1:-1]
            message = f"the body is not an event stream; it begins: {shown}"
            out.append(Done(Failure("protocol", message)))
        return out
