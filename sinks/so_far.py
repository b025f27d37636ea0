"""What a stream has brought so far, in few events: for those who join late.

Law of this file: pure bookkeeping; held is the answer, and no more. Replayed and then followed by
what comes next, it makes the same answer as the whole stream.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from tokenweir.pipeline.assemble import Text
from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Event,
    Extra,
    Finish,
    Phase,
    Revise,
    Start,
    ToolDelta,
    Usage,
)


class SoFar:
    """Applies events and gives them back, joined.

    >>> answer = SoFar()
    >>> answer.feed([Delta("Hi"), Delta(" yuo"), Revise(4, "ou")])
    >>> answer.replay()
    [Delta(text='Hi you', channel='text', index=0)]
    """

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._start: Start | None = None
        # The key tells a text (choice, channel) from the arguments of a call (choice, number).
        self._texts: dict[tuple[int, str | int], Text] = {}
        self._calls: dict[tuple[int, str | int], ToolDelta] = {}
        self._extras: list[Event] = []
        self._finish: dict[int, Finish] = {}
        self._usage: Usage | None = None

    def feed(self, events: Iterable[Event]) -> None:
        """Apply events in order."""
        for event in events:
            match event:
                case Delta(text=text):
                    self._text(event.index, event.channel).add(text)
                case ToolDelta():
                    self._tool(event)
                case Revise():
                    self._revise(event)
                case _:
                    self._note(event)

    def replay(self) -> Sequence[Event]:
        """The answer so far: what is waited for, or `Start`, texts and tool calls in the order in which
        they began, what nobody models, ends of choices, and the last figures."""
        content: list[Event] = [self._whole(key, str(text)) for key, text in self._texts.items()]
        waiting = None if self._start or content else self._phase
        first = [event for event in (waiting, self._start) if event is not None]
        last = [] if self._usage is None else [self._usage]
        return [*first, *content, *self._extras, *self._finish.values(), *last]

    def _note(self, event: Event) -> None:
        match event:
            case Extra():
                self._extras.append(event)
            case Finish(index=index):
                self._finish[index] = event
            case Usage():
                self._usage = event
            case Start():
                self._start = event
            case Phase():
                self._phase = event
            case _:
                pass

    def _revise(self, event: Revise) -> None:
        place: str | int = event.channel
        if event.channel == "tool":
            place = event.call or 0
            self._tool(ToolDelta(place, index=event.index))
        self._text(event.index, place).revise(event.keep, event.text)

    def _text(self, index: int, place: str | int) -> Text:
        return self._texts.setdefault((index, place), Text())

    def _tool(self, event: ToolDelta) -> None:
        key = event.index, event.call
        known = self._calls.get(key)
        self._calls[key] = ToolDelta(
            event.call,
            event.id or (known.id if known else None),
            event.name or (known.name if known else None),
            index=event.index,
        )
        self._text(*key).add(event.arguments)

    def _whole(self, key: tuple[int, str | int], text: str) -> Event:
        index, place = key
        call = self._calls.get(key)
        if call is not None:
            return ToolDelta(call.call, call.id, call.name, text, index)
        return Delta(text, cast("Channel", place), index)
