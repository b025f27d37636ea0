"""Source: where an answer comes from, and what is known of that backend.

Law of this file: what every source is: a request made, a connection opened, and the stages that make
events of its bytes. Those that speak HTTP share http.py; a provider's own file says only how it
differs.
"""

import builtins
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import LOCAL, Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event, Failure, PhaseName
from tokenweir.pipeline.request import Messages, Request, read_messages
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_detect import Mode, cumulative_detect
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol
from tokenweir.stages.delta_extract import delta_extract


class Source:
    """A backend, as a pipeline sees it. Subclass it for one of your own: `open` is what is missing.

    `mode` is what is known of the backend's text (see cumulative_detect), `deadlines` what it may
    take. Raises MisuseError for options that cannot work.
    """

    provider: ClassVar[str] = "source"
    protocol: str = "openai-chat"
    default_mode: ClassVar[Mode] = "delta"
    default_deadlines: ClassVar[Deadlines] = LOCAL
    supports_streaming: ClassVar[bool] = True
    """When false, every answer is asked for whole, and comes as one Delta through the same pipeline."""
    finish_required: ClassVar[bool] = True
    """False for a backend known never to send a finish reason: its end marker alone then counts."""
    remote: ClassVar[bool] = True
    """Whether there is somebody to connect to (a recording has nobody)."""
    waiting: ClassVar[PhaseName] = "loading"
    """What silence before the first token most likely is."""

    def __init__(
        self, *, model: str | None = None, mode: Mode | None = None, deadlines: Deadlines | None = None
    ) -> None:
        self.model = model
        self.mode: Mode = mode or self.default_mode
        self.deadlines = deadlines or self.default_deadlines
        self.retry = Retry()
        self.stage: Stage[builtins.bytes, Event] = self._stage()

    def _stage(self) -> Stage[builtins.bytes, Event]:
        """Bytes to events. A backend that sends deltas needs no detector."""
        decode = decode_frames(self.protocol) | decode_protocol(
            self.protocol, provider=self.provider, finish_required=self.finish_required
        )
        return decode if self.mode == "delta" else decode | cumulative_detect(self.mode) | delta_extract()

    def request(self, messages: Messages, *, stream: bool = True, **options: Any) -> Request:
        """A checked request for this backend. `model=` among the options wins over the source's own."""
        model = options.pop("model", self.model)
        return Request(read_messages(messages), model, stream and self.supports_streaming, options)

    def open(self, request: Request) -> Connection:
        """A connection for one request; nothing is sent before its first read."""
        msg = f"{type(self).__name__} does not say how to open a connection: define open(request)"
        raise MisuseError(msg)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer that begins so is read as a stream; else `refusal` says what it means."""
        return status in (0, 200)

    async def read_body(self, connection: Connection, seconds: float) -> builtins.bytes:
        """The body of a refused answer, as far as it is worth reading and has come after `seconds`."""
        return b""

    def refusal(self, status: int, headers: Mapping[str, str], body: builtins.bytes) -> Failure:
        """What a refused answer means."""
        return Failure("upstream", f"the backend answered with status {status}", None, status)

    def scrub(self, failure: Failure) -> Failure:
        """A failure that the backend told, without the credentials that it may quote (fault S10)."""
        return failure

    async def aclose(self) -> None:
        """Close what is pooled. A source may be used again afterwards."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def bytes(self, messages: Messages, *, stream: bool = True, **options: Any) -> "BoundSource":
        """The raw answer to one request, for a pipeline gathered by hand."""
        return BoundSource(self, self.request(messages, stream=stream, **options))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.provider} model={self.model!r} mode={self.mode!r}>"


class BoundSource:
    """One request to one source: where a pipeline gathered by hand begins."""

    __slots__ = ("request", "source")

    def __init__(self, source: Source, request: Request) -> None:
        self.source = source
        self.request = request
