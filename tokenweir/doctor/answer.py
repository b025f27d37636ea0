"""One streamed answer, taken apart: what was on the wire, what it means, and what tokenweir makes of it.

Law of this file: pure; times and bytes in, figures out. The same cores as in a stream of tokenweir's, but
each step's own output is kept, so that a judge sees the backend and not what was mended. No verdicts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import (
    Channel,
    Comment,
    Delta,
    Done,
    Event,
    Finish,
    Snapshot,
    SSEEvent,
    ToolDelta,
    WireItem,
)
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.stages.cumulative_detect import cumulative_detect
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol
from tokenweir.stages.delta_extract import delta_extract

Reading = Literal["delta", "cumulative"]

_ENOUGH = 3
"""Chunks of a channel from which on its reading can be told."""

_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a surrogate pair, in the escapes of JSON."""


class Answer:
    """Feed it an answer as it comes; `finish` at its end. Times are seconds since the question.

    `content` is when the first content came, `last` when the last did, `over` when the backend said its
    last word (`marked`: in the body, not by ending it). `chunks` are the texts as they were sent, by
    channel; `clean` is the answer as tokenweir gives it.
    """

    def __init__(self, protocol: str) -> None:
        self.content: float | None = None
        self.last: float | None = None
        self.over: float | None = None
        self.done: Done | None = None
        self.marked = False
        self.chunks: dict[str, list[str]] = {}
        self.calls: list[ToolDelta] = []
        self.finishes: list[Finish] = []
        self.payloads: list[bytes] = []
        self.before, self.during, self.after = 0, 0, 0
        self.clean = Assembly()
        self._snapshots: dict[str, int] = {}
        self._frames = decode_frames(protocol).core()
        self._decode = decode_protocol(protocol).core()
        self._detect = cumulative_detect("auto").core()
        self._extract = delta_extract().core()

    def feed(self, at: float, data: bytes) -> None:
        """Take what came."""
        for item in self._frames.feed([data]):
            self._take(at, item)

    def finish(self, at: float) -> None:
        """The body is over, however it ended."""
        for item in self._frames.finish():
            self._take(at, item)
        if self.done is None:
            self._keep(at, self._decode.finish())
        self._clean(self._detect.finish())
        self.clean.feed(self._extract.finish())

    @property
    def ended_by_itself(self) -> bool:
        """Whether the answer is whole by its protocol's own rules."""
        return self.done is not None and self.done.failure is None

    def reading(self, channel: str) -> Reading | None:
        """How a channel's chunks are to be read; None where there were too few."""
        sent = len(self.chunks.get(channel, ()))
        if sent < _ENOUGH:
            return None
        return "cumulative" if self._snapshots.get(channel, 0) * 2 > sent else "delta"

    @property
    def readings(self) -> set[Reading]:
        """The readings of all channels that can be told."""
        return {found for channel in self.chunks if (found := self.reading(channel)) is not None}

    @property
    def spoken(self) -> str:
        """The channel with the most chunks: of a model that only thought so far, its thoughts."""
        return max(self.chunks, key=lambda channel: len(self.chunks[channel]), default="text")

    @property
    def repeats(self) -> bool:
        """Whether the last chunk of a channel of deltas says again all that was said before it."""
        for channel, sent in self.chunks.items():
            whole = "".join(sent[:-1]).strip()
            if len(sent) > _ENOUGH and sent[-1].strip() == whole and self.reading(channel) == "delta":
                return True
        return False

    @property
    def size(self) -> int:
        """Characters of the channel that was spoken in, each counted once."""
        channel: Channel = "reasoning" if self.spoken == "reasoning" else "text"
        return len(self.clean.text(channel=channel))

    @property
    def halves(self) -> int:
        """Payloads with half a character in JSON's escapes."""
        return sum(1 for data in self.payloads if _HALF.search(data))

    @property
    def not_utf8(self) -> int:
        """Payloads that are no UTF-8."""
        return sum(1 for data in self.payloads if not _is_utf8(data))

    def deltas(self) -> Iterator[Mapping[str, Any]]:
        """The `delta` or `message` objects of an answer in OpenAI's form."""
        for data in self.payloads:
            for entry in as_list(_object(data).get("choices")):
                yield from (as_object(as_object(entry).get(name)) for name in ("delta", "message"))

    @property
    def closing(self) -> str:
        """The text of a `message` beside deltas, which some servers close their stream with."""
        entries = [
            as_object(entry) for data in self.payloads for entry in as_list(_object(data).get("choices"))
        ]
        said = [
            as_text(as_object(entry.get("message")).get("content")) for entry in entries if "delta" in entry
        ]
        return said[-1] if said else ""

    def _take(self, at: float, item: WireItem) -> None:
        if self.over is not None:
            self.after += isinstance(item, SSEEvent) and item.data.strip() != b"[DONE]"
            return
        if isinstance(item, SSEEvent):
            self.payloads.append(item.data)
        if isinstance(item, Comment) or (isinstance(item, SSEEvent) and item.type == "ping"):
            self.before += self.content is None
            self.during += self.content is not None
        self._keep(at, self._decode.feed([item]))
        if self.done is not None:
            self.over, self.marked = at, True

    def _keep(self, at: float, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Delta):
                self._hear(at, event.channel, event.text)
            elif isinstance(event, ToolDelta):
                self.calls.append(event)
                self._hear(at, "tool", event.arguments)
            elif isinstance(event, Finish):
                self.finishes.append(event)
            elif isinstance(event, Done):
                self.done = event
        self._clean(self._detect.feed(events))

    def _hear(self, at: float, channel: str, text: str) -> None:
        self.content = at if self.content is None else self.content
        self.last = at
        if text:
            self.chunks.setdefault(channel, []).append(text)

    def _clean(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Snapshot):
                self._snapshots[event.channel] = self._snapshots.get(event.channel, 0) + 1
        self.clean.feed(self._extract.feed(events))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        return as_object(read_payload(data))
    except ValueError:
        return {}
