"""Steps as bytes: what is written, when, and how the body ends.

Law of this file: pure; every protocol is written by its own encoder, so that the simulator's frames
are those that strict clients take. What spoils them stands in faults.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from tokenweir.pipeline.events import Delta, Event
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.simulator.answer import CREATED, Step

Ending = Literal["complete", "fin", "rst", "stall"]
"""How a body ends: whole, with the connection closed, with it reset, or never."""


class Frame(Struct, frozen=True, gc=False):
    """Bytes that are one write, due `at` (seconds after the request). `event` is what they say, and
    `token` whether that is a token; padding and broken frames say nothing."""

    at: float
    data: bytes
    event: Event | None = None
    token: bool = False


class Encode(Protocol):
    """The encoder of a protocol."""

    def feed(self, items: Sequence[Event], /) -> list[bytes]:
        """The frames that the events are."""
        ...


def frames(steps: Iterable[Step], encode: Encode) -> Iterator[Frame]:
    """One frame for each step that shows on the wire."""
    for step in steps:
        data = b"".join(encode.feed([step.event]))
        if data:
            yield Frame(step.at, data, step.event, step.token)


def bytewise(found: Iterable[Frame]) -> Iterator[Frame]:
    """The same bytes, each its own write."""
    for frame in found:
        for byte in frame.data:
            yield Frame(frame.at, bytes((byte,)))


class Chunks:
    """Chunks beside the answer's own, from the same answer (its id and model): material for faults."""

    def __init__(self, answer_id: str, model: str) -> None:
        self._head = (answer_id, model, CREATED)

    def chunk(self, text: str) -> dict[str, Any]:
        """A chunk that says `text`, as a value."""
        chunk: dict[str, Any] = msgspec.json.decode(self.events([Delta(text)]).removeprefix(b"data: "))
        return chunk

    def raw(self, said: bytes) -> bytes:
        """A frame whose text is `said` as it is, between the quotes of its JSON string."""
        return self.frame(self.chunk("@")).replace(b'"@"', b'"' + said + b'"')

    def events(self, events: list[Event]) -> bytes:
        """The last of the frames that the events are."""
        return OpenAIChatEncode(*self._head).feed(events)[-1]

    def frame(self, value: object) -> bytes:
        """A value as one frame."""
        return sse(value)


def sse(value: object) -> bytes:
    """A value as one server-sent event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
