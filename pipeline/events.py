"""The vocabulary: what flows through a pipeline.

Law of this file: values only. Frozen, flat, tagged structs; no behaviour, no I/O, and no import of
anything of ours. A new type needs a record in docs/decisions/.

`Event` is what people read. `WireItem` is what stands between bytes and events: `sse_decode` makes
it, a protocol decoder reads it, and a hand-made chain may look at it.

Every struct has `gc=False`: none can be part of a reference cycle, and the collector then never
looks at them (36 ns to make one; a frozen dataclass takes 340).

>>> import msgspec
>>> msgspec.json.encode(Delta("Hi"))
b'{"type":"delta","text":"Hi","channel":"text","index":0}'
"""

from typing import TYPE_CHECKING, Literal

from msgspec import Raw, Struct, structs

if TYPE_CHECKING:
    RawOrNone = Raw | None
else:
    RawOrNone = Raw  # msgspec writes a union with Raw, and cannot read one

Channel = Literal["text", "reasoning", "refusal"]
PhaseName = Literal["connecting", "queued", "loading", "prefill"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "pause", "other"]
Outcome = Literal["complete", "truncated", "error", "timeout", "cancelled"]
UsageSource = Literal["backend", "counted", "estimated"]
FailureKind = Literal[
    "connect",
    "timeout",
    "auth",
    "bad_request",
    "context_length",
    "model_not_found",
    "model_loading",
    "overloaded",
    "rate_limited",
    "model_crashed",
    "upstream",
    "truncated",
    "protocol",
    "limit",
    "cancelled",
    "shutting_down",
    "producer_lost",
    "resume_gap",
    "sink",
    "stage",
]


class Failure(Struct, frozen=True, gc=False):
    """What went wrong, in one flat value: the same kinds in events, exceptions, logs and metrics.

    `phase` is what was being waited for when a deadline passed. `status` is the HTTP status, where
    there was one. `code` is the backend's own code, `native` the raw error it sent (JSON).
    `retryable` says whether the same request may succeed later, `retry_after` in how many seconds
    where the backend told.
    """

    kind: FailureKind
    message: str
    phase: str | None = None
    status: int | None = None
    retryable: bool = False
    code: str | None = None
    native: RawOrNone = None
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if self.native is not None and bytes(self.native) == b"null":  # as it is read back
            structs.force_setattr(self, "native", None)


class Start(Struct, frozen=True, gc=False, tag="start"):
    """The backend has answered. At most once, before any content. `created` is in Unix seconds."""

    id: str | None = None
    provider: str | None = None
    model: str | None = None
    created: int | None = None


class Phase(Struct, frozen=True, gc=False, tag="phase"):
    """What is happening while no token can come. `progress` is 0..1, or None where nobody tells."""

    name: PhaseName
    progress: float | None = None
    detail: str | None = None
    elapsed: float | None = None


class Delta(Struct, frozen=True, gc=False, tag="delta"):
    """New text, never seen before, of choice number `index`."""

    text: str
    channel: Channel = "text"
    index: int = 0


class Snapshot(Struct, frozen=True, gc=False, tag="snapshot"):
    """All the text so far; `cumulative_detect` makes it and `delta_extract` takes it away again."""

    text: str
    channel: Channel | Literal["tool"] = "text"
    index: int = 0
    call: int | None = None


class Revise(Struct, frozen=True, gc=False, tag="revise"):
    """The backend rewrote what it had sent: keep the first `keep` code points, then `text`."""

    keep: int
    text: str
    channel: Channel | Literal["tool"] = "text"
    index: int = 0
    call: int | None = None


class ToolDelta(Struct, frozen=True, gc=False, tag="tool_delta"):
    """A fragment of tool call number `call` (0, 1, ...); `id` and `name` once, in its first fragment."""

    call: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    index: int = 0


class Usage(Struct, frozen=True, gc=False, tag="usage"):
    """Token figures, merged field by field; the last one is the truth. `source` says who counted."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    reasoning: int | None = None
    cached: int | None = None
    source: UsageSource = "backend"
    partial: bool = False


class Finish(Struct, frozen=True, gc=False, tag="finish"):
    """A choice ended; once per choice. `native` is the backend's own word."""

    reason: FinishReason
    native: str | None = None
    index: int = 0


class Extra(Struct, frozen=True, gc=False, tag="extra"):
    """What the backend sent and nobody models (logprobs, citations, audio): kept, never interpreted."""

    kind: str
    data: Raw
    index: int | None = None


class Done(Struct, frozen=True, gc=False, tag="done"):
    """The backend's own last word. The pipeline turns it into `End`; a hand-made chain sees it."""

    failure: Failure | None = None


class Gap(Struct, frozen=True, gc=False, tag="gap"):
    """A sink's overflow policy dropped this many events here."""

    dropped: int


class Stats(Struct, frozen=True, gc=False):
    """The figures of one stream. Times in seconds, sizes in the unit that the name says.

    `first_byte` and `first_token` run from the request. Gaps are between reads that brought content.
    `tokens_per_second` leaves loading and prefill out. `amplification` is the UTF-8 text bytes that
    the backend sent divided by those that were new: 1.0 for deltas and for nothing, about n/2 for a
    cumulative stream of n chunks.
    """

    duration: float = 0.0
    first_byte: float | None = None
    first_token: float | None = None
    gap_p50: float | None = None
    gap_p99: float | None = None
    gap_max: float | None = None
    tokens_per_second: float | None = None
    characters: int = 0
    chunks: int = 0
    keep_alives: int = 0
    wire_bytes: int = 0
    revisions: int = 0
    amplification: float = 1.0
    attempts: int = 1


class End(Struct, frozen=True, gc=False, tag="end"):
    """How it ended: made by the pipeline alone, exactly one, always last."""

    outcome: Outcome
    failure: Failure | None = None
    stats: Stats = Stats()


Event = Start | Phase | Delta | Snapshot | Revise | ToolDelta | Usage | Finish | Extra | Done | Gap | End
"""Everything that can flow. `match` on the class, or on the JSON tag `type` (the snake_case name)."""


class SSEEvent(Struct, frozen=True, gc=False):
    """One dispatched server-sent event. `data` is as it was sent: UTF-8 that nobody checked yet."""

    data: bytes
    type: str = "message"
    id: str = ""


class Comment(Struct, frozen=True, gc=False):
    """A line that carries no data: a keep-alive, for LLM backends."""

    text: str


WireItem = SSEEvent | Comment | Done
"""What `sse_decode` gives: events, comments, and `Done` where the bytes cannot be read."""
