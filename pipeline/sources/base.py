"""Source: where an answer comes from, and what is known of that backend.

Law of this file: what every source is: a request made, a connection opened, and the stages that make
events of its bytes. Those that speak HTTP share http.py; a provider's own file says only how it
differs.
"""

import builtins
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self, get_args

from tokenweir.pipeline.activity import Activity
from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import LOCAL, Deadlines
from tokenweir.pipeline.errors import CannotError, MisuseError
from tokenweir.pipeline.events import Event, Failure, Phase, PhaseName, Start
from tokenweir.pipeline.log import log_model_mismatch
from tokenweir.pipeline.model_names import same_model
from tokenweir.pipeline.models import Mismatch, Model, choose_model
from tokenweir.pipeline.request import Messages, Request, read_messages
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_detect import Mode, cumulative_detect
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol
from tokenweir.stages.delta_extract import delta_extract

BODY_WAIT = 5.0
"""Seconds in which an error body must have come; what is there by then is used."""


class Source:
    """A backend, as a pipeline sees it. Subclass it for one of your own: `open` is what is missing.

    `mode` is what is known of the backend's text (see cumulative_detect), `deadlines` what it may
    take. `model_mismatch` is what an answer by another model than the one asked for is: worth a `warn`ing in
    the log, or an `error` that ends the stream before its first content.

    Raises MisuseError for options that cannot work.
    """

    provider: ClassVar[str] = "source"
    protocol: str = "openai-chat"
    default_mode: ClassVar[Mode] = "delta"
    default_deadlines: ClassVar[Deadlines] = LOCAL
    supports_streaming: bool = True
    """When false, every answer is asked for whole, and comes as one Delta through the same pipeline."""
    finish_required: bool = True
    """False for a backend known never to send a finish reason: its end marker alone then counts."""
    remote: ClassVar[bool] = True
    """Whether there is somebody to connect to (a recording has nobody)."""
    waiting: ClassVar[PhaseName] = "loading"
    """What silence before the first token most likely is."""

    def __init__(
        self,
        *,
        model: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        model_mismatch: Mismatch = "warn",
    ) -> None:
        if model_mismatch not in get_args(Mismatch):
            msg = f"model_mismatch={model_mismatch!r}: one of {', '.join(get_args(Mismatch))}"
            raise MisuseError(msg)
        self.model_mismatch: Mismatch = model_mismatch
        self.model = model
        self.mode: Mode = mode or self.default_mode
        self.deadlines = deadlines or self.default_deadlines
        self.retry = Retry()
        self.activity = Activity()
        self.stage: Stage[builtins.bytes, Event] = self._stage()

    def _stage(self) -> Stage[builtins.bytes, Event]:
        """Bytes to events. A backend that sends deltas needs no detector."""
        decode = decode_frames(self.protocol) | decode_protocol(
            self.protocol, provider=self.provider, finish_required=self.finish_required
        )
        return decode if self.mode == "delta" else decode | cumulative_detect(self.mode) | delta_extract()

    def adapt(self, *, finish_required: bool, supports_streaming: bool) -> None:
        """Go by what was found out about this one backend, in place of what its provider usually does."""
        self.finish_required = finish_required
        self.supports_streaming = supports_streaming
        self.stage = self._stage()

    def request(self, messages: Messages, *, stream: bool = True, **options: Any) -> Request:
        """A checked request for this backend. `model=` among the options wins over the source's own."""
        model = options.pop("model", self.model)
        return Request(read_messages(messages), model, stream and self.supports_streaming, options)

    @property
    def hosted(self) -> bool:
        """Whether this is the provider's own service: its models answer at once, and each answer costs."""
        return False

    def warming(self, model: str | None, seconds: float) -> Request:
        """The smallest request that has a model loaded, and kept so for `seconds` where the backend can be
        told: one token, by default."""
        return self.request("Hi", stream=False, model=model, max_tokens=1)

    def is_same_model(self, asked: str | None, answered: str | None) -> bool:
        """Whether an answer by the one is what a request for the other may get (see same_model)."""
        return same_model(asked, answered)

    def other_model(self, asked: str | None, events: Sequence[Event]) -> Failure | None:
        """Why an answer that begins with these events is refused, since another model gives it; the
        warning, where that is all that `model_mismatch` wants, is logged here."""
        for start in events:
            if isinstance(start, Start) and not self.is_same_model(asked, start.model):
                if self.model_mismatch == "error":
                    message = f"{asked!r} was asked for, and {start.model!r} answers"
                    return Failure("model_not_found", message)
                log_model_mismatch(self.provider, asked, start.model)
        return None

    def open(self, request: Request) -> Connection:
        """A connection for one request; nothing is sent before its first read."""
        msg = f"{type(self).__name__} does not say how to open a connection: define open(request)"
        raise MisuseError(msg)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer that begins so is read as a stream; else `refusal` says what it means."""
        return status in (0, 200)

    async def read_body(self, connection: Connection, seconds: float, body: bytearray) -> None:
        """Add to `body` that of a refused answer, as far as it is worth reading and has come after `seconds`.
        Where this is cut off, another call goes on with the same body."""

    def refusal(self, status: int, headers: Mapping[str, str], body: builtins.bytes) -> Failure:
        """What a refused answer means."""
        return Failure("upstream", f"the backend answered with status {status}", None, status)

    def scrub(self, failure: Failure) -> Failure:
        """A failure that the backend told, without the credentials that it may quote (fault S10)."""
        return failure

    def turns(self, connection: Connection | None, failure: Failure) -> bool:
        """Whether the failure of a connection says only that this backend is to be asked in another way: then
        the request is opened anew at once, and that is no retry. True once for a request, at most."""
        return False

    async def progress(self, request: Request) -> Phase | None:
        """How far the backend is with a request of which nothing has come yet: `loading`, `queued` or
        `prefill`, and its progress where it is told. None where nobody can tell; then it is not asked again.

        A stream asks while it waits for its first content, once a second at most, beside its read. It asks
        more seldom where no answer comes within a second, and whatever is raised here harms nothing.
        """
        return None

    async def models(self) -> list[Model]:
        """The models that can be asked here, loaded or not: one entry for each, and one for each instance
        where several of one model are loaded.

        Raises CannotError where the backend does not tell, StreamError where it does not answer.
        """
        msg = f"{self.provider}: this backend cannot list its models"
        raise CannotError(msg)

    async def model_status(self, name: str | None = None) -> Model:
        """What is known of one model, by default the source's own; a name means what choose_model says.

        Raises RequestError (kind `model_not_found`) where there is no such model, else as `models`.
        """
        return choose_model(name or self.model, await self.models())

    def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        """Load a model, and tell how far it is: `Phase(loading)` at once and every second, with the
        backend's own progress where it has one. It ends when the model is loaded; at once where it was
        loaded before and no options are given. `options` are the backend's own, for this load. Whoever leaves
        early closes it: `async with aclosing(source.load(name)) as phases`.

        Raises CannotError where the backend cannot be told to load, MisuseError for options that it does
        not have, RequestError where there is no such model, StreamError where the load fails or takes
        longer than the source's deadline for it.
        """
        msg = f"{self.provider}: this backend cannot load a model, except at a request for it"
        raise CannotError(msg)

    async def unload(self, name: str) -> None:
        """Unload a model: every instance of it, or the one instance that is called `name`. Nothing where
        it is not loaded.

        Raises CannotError where the backend cannot, RequestError where there is no such model, StreamError
        where the backend does not do it.
        """
        msg = f"{self.provider}: this backend cannot unload a model"
        raise CannotError(msg)

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
