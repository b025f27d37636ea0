"""What a stream says, whatever its form: two backends that mean the same give the same list.

Law of this file: pure. What belongs to one exchange and not to its answer is left out: who answered,
ids, times, phases, and where the text was cut. Revisions are applied.
"""

from collections.abc import Hashable, Iterable, Iterator

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Phase,
    Revise,
    Start,
    ToolDelta,
    Usage,
)


def meaning(events: Iterable[Event]) -> list[Event]:
    """The events in the order in which each thing was first said: the text of a channel is one
    `Delta`, a tool call one `ToolDelta`.

    >>> revised = [Phase("loading"), Delta("I"), Delta(" an"), Revise(2, "am"), End("complete")]
    >>> meaning(revised) == meaning([Delta("I am"), End("complete")])
    True
    """
    answer = Assembly()
    last: dict[Hashable, Event] = {}
    for event in events:
        if not isinstance(event, Phase | Done):
            answer.feed([event])
            last[_thing(event) or len(last)] = event
    return [said for event in last.values() for said in _said(event, answer)]


def _thing(event: Event) -> Hashable:
    """What the event tells of, where a later event may tell more of the same; else None."""
    match event:
        case ToolDelta(index=index) | Revise(channel="tool", index=index):
            return "tool", index
        case Delta(channel=channel, index=index) | Revise(channel=channel, index=index):
            return channel, index
        case Start() | Usage() | End():
            return type(event)
        case _:
            return None


def _said(event: Event, answer: Assembly) -> Iterator[Event]:
    match event:
        case ToolDelta(index=index) | Revise(channel="tool", index=index):
            for number, call in enumerate(answer.tool_calls(index)):
                yield ToolDelta(number, None, call["name"], call["arguments"], index)
        case Delta(channel=channel, index=index) | Revise(channel=channel, index=index) if channel != "tool":
            yield Delta(answer.text(index, channel), channel, index)
        case Start():
            yield Start(model=event.model)
        case End():
            yield End(event.outcome, event.failure)
        case _:
            yield event
