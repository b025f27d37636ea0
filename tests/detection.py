"""Streams for the cumulative detector, and the judgement of what came out.

Law of this file: chunks become the events that a protocol decoder would make of them, the two stages
run over them, and the outcome is compared with the truth. No expectation of how the detector works.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tokenweir.pipeline.core import FusedCore
from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, Start, ToolDelta, Usage
from tokenweir.stages.cumulative_detect import Mode, cumulative_detect
from tokenweir.stages.delta_extract import delta_extract

Chunks = Sequence[str]
Wrap = Callable[[Chunks, str], list[Event]]
"""Chunks and the true text in, events out."""

CHARACTERS_PER_TOKEN = 3.5


def tokens(text: str) -> int:
    """What a backend would count for `text`, roughly."""
    wide = sum(character >= "\u2e80" for character in text)
    return max(1, round((len(text) - wide) / CHARACTERS_PER_TOKEN + wide / 1.5))


def finished(chunks: Chunks, _text: str) -> list[Event]:
    """A finish reason, then the end marker."""
    return [Start(), *map(Delta, chunks), Finish("stop", "stop"), Done()]


def usage_last(chunks: Chunks, text: str) -> list[Event]:
    """The figures come behind the finish reason."""
    usage = Usage(input=9, output=tokens(text), total=9 + tokens(text))
    return [Start(), *map(Delta, chunks), Finish("stop", "stop"), usage, Done()]


def usage_always(chunks: Chunks, text: str) -> list[Event]:
    """The figures grow with every chunk."""
    every: list[Event] = [Start()]
    all_tokens = tokens(text)
    for number, chunk in enumerate(chunks, 1):
        so_far = max(1, round(all_tokens * number / len(chunks)))
        every += [Delta(chunk), Usage(input=9, output=so_far, total=9 + so_far)]
    return [*every, Finish("stop", "stop"), Done()]


def cut_off(chunks: Chunks, _text: str) -> list[Event]:
    """The connection breaks: no finish reason, no end marker."""
    return [Start(), *map(Delta, chunks)]


def after_reasoning(chunks: Chunks, _text: str) -> list[Event]:
    """The model thought before, in the same way of sending."""
    thoughts = [Delta(chunk, "reasoning") for chunk in chunks]
    return [Start(), *thoughts, *map(Delta, chunks), Finish("stop", "stop"), Done()]


def tool_arguments(chunks: Chunks, _text: str) -> list[Event]:
    """The text is the arguments of a tool call."""
    calls = [ToolDelta(0, None, None, chunk) for chunk in chunks]
    return [Start(), ToolDelta(0, "call_1", "save"), *calls, Finish("tool_calls", "tool_calls"), Done()]


WRAPS: dict[str, Wrap] = {
    "finished": finished,
    "usage last": usage_last,
    "usage always": usage_always,
    "cut off": cut_off,
    "after reasoning": after_reasoning,
    "tool arguments": tool_arguments,
}


class Figures(NamedTuple):
    """How much was held: a chunk is held when feeding it alone gave no text at once."""

    chunks: int
    held: int
    longest: int
    """Chunks held in a row."""
    waiting: int
    """The most characters that waited at once."""


class Outcome(NamedTuple):
    """What came out."""

    texts: dict[str, str]
    revisions: int
    in_order: bool
    figures: Figures


def run(events: Sequence[Event], mode: Mode = "auto") -> Outcome:
    """Feed the events one by one, as a slow network would bring them."""
    core = (cumulative_detect(mode) | delta_extract()).core()
    out: list[Event] = []
    waiting = chunks = held = in_a_row = longest = most = 0
    for event in events:
        made = core.feed([event])
        out += made
        gained = sum(map(_size, made))
        size = _size(event)
        waiting += size - gained
        if size:
            chunks += 1
            if gained:
                in_a_row = 0
            else:
                held += 1
                in_a_row += 1
                longest, most = max(longest, in_a_row), max(most, waiting)
    return _outcome(events, out + _ended(core), Figures(chunks, held, longest, most))


def run_at_once(events: Sequence[Event], mode: Mode) -> Outcome:
    """Feed all events in one batch, as a fast network would bring them."""
    core = (cumulative_detect(mode) | delta_extract()).core()
    out = core.feed(events)
    return _outcome(events, out + _ended(core), Figures(0, 0, 0, 0))


def _ended(core: FusedCore[Event, Event]) -> list[Event]:
    rest = core.finish()
    if core.error is not None:
        raise core.error
    return rest


def _outcome(events: Sequence[Event], out: list[Event], figures: Figures) -> Outcome:
    texts, revisions = joined(out)
    return Outcome(texts, revisions, _in_order(events, out), figures)


def joined(out: Sequence[Event]) -> tuple[dict[str, str], int]:
    """The text of each channel, revisions applied, and how many there were."""
    pieces: dict[str, list[str]] = {}
    revisions = 0
    for event in out:
        if isinstance(event, Delta):
            pieces.setdefault(event.channel, []).append(event.text)
        elif isinstance(event, ToolDelta):
            pieces.setdefault("tool", []).append(event.arguments)
        elif isinstance(event, Revise):
            revisions += 1
            kept = "".join(pieces.get(event.channel, []))[: event.keep]
            pieces[event.channel] = [kept, event.text]
    return {channel: "".join(texts) for channel, texts in pieces.items()}, revisions


def is_right(outcome: Outcome, text: str) -> bool:
    """Every channel that has text has this one, nothing was taken back, nothing reordered."""
    texts = {channel: found for channel, found in outcome.texts.items() if found}
    return (
        outcome.revisions == 0
        and outcome.in_order
        and all(found == text for found in texts.values())
        and bool(texts) == bool(text)
    )


def _size(event: Event) -> int:
    if type(event) is Delta:
        return len(event.text)
    return len(event.arguments) if type(event) is ToolDelta else 0


def _in_order(events: Sequence[Event], out: Sequence[Event]) -> bool:
    """What is no text came through, once and in order, and no text came behind the finish."""
    others = [event for event in events if not isinstance(event, (Delta, ToolDelta))]
    passed = [event for event in out if not isinstance(event, (Delta, ToolDelta, Revise))]
    last_text = max((at for at, event in enumerate(out) if _size(event)), default=-1)
    end = next((at for at, event in enumerate(out) if isinstance(event, (Finish, Done))), len(out))
    return passed == others and last_text < end
