"""What a recorded body means, as one flat value: a line of `tokenweir decode`.

Law of this file: pure; pieces of bytes in, values out. The fields and their order are a contract.
"""

from collections.abc import Iterable, Mapping

from msgspec import Raw, Struct

from tokenweir.pipeline.assemble import Assembly, ToolCall
from tokenweir.pipeline.core import FusedCore
from tokenweir.pipeline.events import Done, Event, Failure, Outcome, SSEEvent, Usage, WireItem
from tokenweir.pipeline.json_text import is_json
from tokenweir.pipeline.stage import Stage

_CUT = Failure("truncated", "the body ended before the answer was whole")


class Call(Struct, frozen=True):
    """A tool call; `arguments` is JSON as it came, or the raw string where it does not parse."""

    id: str | None
    name: str | None
    arguments: Raw | str


class Figures(Struct, frozen=True):
    """Token figures; what nobody told is None."""

    input: int | None
    output: int | None
    total: int | None
    reasoning: int | None
    cached: int | None


class Fault(Struct, frozen=True, omit_defaults=True):
    """What went wrong, told by the body itself."""

    kind: str
    message: str
    status: int | None
    retryable: bool
    code: str | None
    native: Raw | None = None


class Choice(Struct, frozen=True):
    """One choice's answer."""

    index: int
    text: str
    finish_reason: str | None


class Decoded(Struct, frozen=True):
    """One recorded body. `text`, `reasoning`, `refusal`, `tool_calls` and both reasons are choice 0's.
    `events` counts what was decoded, the end left out."""

    file: str
    protocol: str
    text: str
    reasoning: str
    refusal: str
    tool_calls: list[Call]
    finish_reason: str | None
    native_finish_reason: str | None
    usage: Figures | None
    error: Fault | None
    outcome: Outcome
    model: str | None
    choices: list[Choice]
    events: int
    revisions: int
    amplification: float


def decoded(file: str, protocol: str, chain: Stage[bytes, Event], pieces: Iterable[bytes]) -> Decoded:
    """What the bytes of one body mean; `chain` makes events of them."""
    core, answer = chain.core(), Assembly()
    failure = _gather(core, pieces, answer)
    finish = answer.finish.get(0)
    return Decoded(
        file=file,
        protocol=protocol,
        text=answer.text(),
        reasoning=answer.text(channel="reasoning"),
        refusal=answer.text(channel="refusal"),
        tool_calls=[_call(call) for call in answer.tool_calls()],
        finish_reason=finish.reason if finish else None,
        native_finish_reason=finish.native if finish else None,
        usage=_figures(answer.usage),
        error=_fault(failure),
        outcome=_outcome(failure),
        model=answer.model,
        choices=[_choice(answer, index) for index in answer.choices],
        events=answer.events,
        revisions=answer.revisions,
        amplification=_amplification(core.figures()),
    )


def sse_events(chain: Stage[bytes, WireItem], pieces: Iterable[bytes]) -> list[dict[str, str]]:
    """The server-sent events of one body, with the names that browsers give to their fields."""
    core = chain.core()
    items = [item for piece in pieces for item in core.feed([piece])] + core.finish()
    return [
        {"type": item.type, "data": item.data.decode("utf-8", "replace"), "lastEventId": item.id}
        for item in items
        if isinstance(item, SSEEvent)
    ]


def _gather(core: FusedCore[bytes, Event], pieces: Iterable[bytes], answer: Assembly) -> Failure | None:
    """Feed everything; None where the backend itself said that the answer is whole."""
    done: Done | None = None
    for piece in pieces:
        done = _take(core.feed([piece]), answer) or done
    done = _take(core.finish(), answer) or done
    if core.error is not None:
        return Failure("stage", str(core.error))
    return _CUT if done is None else done.failure


def _take(batch: list[Event], answer: Assembly) -> Done | None:
    answer.feed(batch)
    return next((event for event in batch if isinstance(event, Done)), None)


def _call(call: ToolCall) -> Call:
    text = call["arguments"]
    raw = text.encode("utf-8", "surrogatepass")
    return Call(call["id"], call["name"], Raw(raw) if is_json(raw) else text)


def _figures(usage: Usage | None) -> Figures | None:
    if usage is None:
        return None
    return Figures(usage.input, usage.output, usage.total, usage.reasoning, usage.cached)


def _fault(failure: Failure | None) -> Fault | None:
    """An answer that only stopped told no error: its outcome says so."""
    if failure is None or failure.kind == "truncated":
        return None
    return Fault(
        failure.kind, failure.message, failure.status, failure.retryable, failure.code, failure.native
    )


def _outcome(failure: Failure | None) -> Outcome:
    if failure is None:
        return "complete"
    return "truncated" if failure.kind == "truncated" else "error"


def _choice(answer: Assembly, index: int) -> Choice:
    finish = answer.finish.get(index)
    return Choice(index, answer.text(index), finish.reason if finish else None)


def _amplification(figures: Mapping[str, float]) -> float:
    """Text bytes sent for each that was new; 1.0 for nothing."""
    new = figures.get("new_bytes", 0)
    return (figures.get("sent_bytes", 0) + figures.get("resent_bytes", 0)) / new if new else 1.0
