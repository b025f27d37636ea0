"""How events become what a client asked for: the wire of an endpoint, streamed or whole.

Law of this file: one `Form` an endpoint, and nothing of connections. What is written stands with the
protocols.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from tokenweir.config.schema import Progress, ReasoningField, Streaming
from tokenweir.gateway.ask import Ask
from tokenweir.pipeline.clock import wall_time
from tokenweir.pipeline.events import Event


class Encoder(Protocol):
    """Events in, bytes out; an `End` ends it."""

    def feed(self, items: Sequence[Event], /) -> list[bytes]:
        """The bytes of a batch."""
        ...


class Gatherer(Protocol):
    """Events in; the whole answer at the end."""

    def feed(self, items: Sequence[Event], /) -> None:
        """Take a batch."""
        ...

    def body(self) -> dict[str, Any]:
        """The answer as JSON."""
        ...


class Named(Struct, frozen=True):
    """What every frame of an answer says: its id, the model, and when (Unix seconds). `include_usage`,
    `progress` and `reasoning_field` are what the client asked for, or the backend's settings say."""

    id: str
    model: str | None
    created: int
    include_usage: bool = False
    progress: Progress = "comments"
    reasoning_field: ReasoningField = "reasoning_content"


class Form(Struct, frozen=True):
    """An endpoint's wire. `prefix` is what the ids of its answers begin with. `gather` is None where it only
    streams; `greets` says that its encoder speaks before the backend does, `completes` that the
    one message is a prompt to go on with."""

    prefix: str
    encode: Callable[[Named], Encoder]
    gather: Callable[[Named], Gatherer] | None = None
    greets: bool = False
    completes: bool = False

    def named(self, request_id: str, model: str | None, ask: Ask, settings: Streaming) -> Named:
        """What the frames of one answer say; its settings stand where the request says nothing."""
        return Named(
            self.prefix + request_id,
            model or ask.model,
            int(wall_time()),
            ask.include_usage,
            ask.progress or settings.progress,
            ask.reasoning_field or settings.reasoning_field,
        )
