"""The same events, fewer of them.

Law of this file: pure, linear, and lossless: what is joined reads the same to whoever puts the
answer together. Nothing is reordered, so only neighbours are joined.
"""

from collections.abc import Iterable

from tokenweir.pipeline.events import Delta, Event, ToolDelta


def joined(events: Iterable[Event]) -> list[Event]:
    """Neighbouring deltas of one choice and channel as one, and the fragments of one tool call.

    >>> joined([Delta("I"), Delta(" am"), Delta("hm", "reasoning"), Delta("."), Delta("..")])
    [Delta(text='I am', channel='text', index=0), Delta(text='hm', channel='reasoning', index=0), \
Delta(text='...', channel='text', index=0)]
    """
    made: list[Event] = []
    first: Event | None = None
    parts: list[str] = []
    for event in events:
        if isinstance(event, Delta):
            text, goes_on = event.text, _same_text(first, event)
        elif isinstance(event, ToolDelta):
            text, goes_on = event.arguments, _same_call(first, event)
        else:
            text, goes_on = "", False
        if goes_on:
            parts.append(text)
            continue
        _close(made, first, parts)
        first, parts = event, [text]
    _close(made, first, parts)
    return made


def _same_text(first: Event | None, event: Delta) -> bool:
    return isinstance(first, Delta) and first.channel == event.channel and first.index == event.index


def _same_call(first: Event | None, event: ToolDelta) -> bool:
    """A fragment that brings an id or a name says more than arguments, and stays itself."""
    return (
        isinstance(first, ToolDelta)
        and (first.call, first.index) == (event.call, event.index)
        and event.id is None
        and event.name is None
    )


def _close(made: list[Event], first: Event | None, parts: list[str]) -> None:
    if first is None:
        return
    if len(parts) == 1:
        made.append(first)
    elif isinstance(first, Delta):
        made.append(Delta("".join(parts), first.channel, first.index))
    elif isinstance(first, ToolDelta):
        made.append(ToolDelta(first.call, first.id, first.name, "".join(parts), first.index))
