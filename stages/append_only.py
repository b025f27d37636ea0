"""append_only: for receivers that cannot take text back (OpenAI clients, pipes, throttle).

Law of this file: what was shown stays; a revision is followed as well as that allows. On a `Revise`
it goes on after the place where the end of what was shown stands in the new text, waits where it
stands nowhere, and at the end gives what is missing. Never twice, never a lost ending.
"""

from collections.abc import Sequence

from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_evidence import common_prefix

ANCHORS = (64, 32, 16, 8)
"""How many of the last characters shown are looked for in the new text, longest first: eight are
the fewest that rarely stand in a text twice."""


def append_only() -> Stage[Event, Event]:
    """Turn revisions into text that can only be appended.

    In: events. Out: the same without `Revise`. Kept: the text of each channel, since a revision may
    come at any time (its size is the text's own).

    >>> core = append_only().core()
    >>> changes = [Revise(13, "ening all files in"), Revise(13, "ing all files in it")]
    >>> out = core.feed([Delta("in order listing all files"), *changes])
    >>> "".join(event.text for event in out)
    'in order listing all files in it'
    """
    return Stage(AppendOnly, "append_only")


class _Channel:
    """What one receiver was shown of a channel, and what the backend says it is."""

    __slots__ = ("behind", "parts", "shown", "template", "truth")

    def __init__(self, template: Delta | ToolDelta | Revise) -> None:
        self.template = template
        self.parts: list[str] = []  # both texts are equal until the first revision
        self.shown = ""
        self.truth = ""
        self.behind = False

    def append(self, text: str) -> str:
        """New text: shown at once unless the receiver is behind."""
        self.parts.append(text)
        return "" if self.behind else text

    def _join(self) -> None:
        added = "".join(self.parts)
        self.parts.clear()
        self.truth += added
        if not self.behind:
            self.shown += added

    def revise(self, keep: int, text: str) -> str:
        """What can be shown of the revised text now."""
        self._join()
        self.truth = self.truth[:keep] + text
        return self._go_on(self._place())

    def catch_up(self) -> str:
        """Try again with what came since; at the end of a channel, see `ending`."""
        if not self.behind:
            return ""
        self._join()
        return self._go_on(self._place())

    def _go_on(self, place: int | None) -> str:
        self.behind = place is None
        if place is None:
            return ""
        return self._show(self.truth[place:])

    def _show(self, text: str) -> str:
        self.shown += text
        return text

    def _place(self) -> int | None:
        """Where in the truth the end of what was shown stands; the nearest place if there are several."""
        if self.truth.startswith(self.shown):
            return len(self.shown)
        for length in ANCHORS:
            anchor = self.shown[-length:]
            if len(anchor) == length and anchor in self.truth:
                return _nearest(self.truth, anchor, len(self.shown))
        return None

    def ending(self) -> str:
        """The channel is over: what is missing, from where the two texts part."""
        if not self.behind:
            return ""
        self._join()
        self.behind = False
        if self.shown.startswith(self.truth):
            return ""
        place = self._place()
        return self._show(self.truth[common_prefix(self.truth, self.shown) if place is None else place :])

    def event(self, text: str) -> Event:
        """New text of this channel."""
        of = self.template
        if isinstance(of, Delta):
            return Delta(text, of.channel, of.index)
        if isinstance(of, Revise) and of.channel != "tool":
            return Delta(text, of.channel, of.index)
        return ToolDelta(of.call or 0, None, None, text, of.index)


class AppendOnly:
    """The core."""

    def __init__(self) -> None:
        self._channels: dict[tuple[int, str, int | None], _Channel] = {}

    def feed(self, items: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in items:
            if isinstance(event, Delta):
                self._append(event, (event.index, event.channel, None), event.text, out)
            elif isinstance(event, ToolDelta):
                self._append(event, (event.index, "tool", event.call), event.arguments, out)
            elif isinstance(event, Revise):
                channel = self._channel(event, (event.index, event.channel, event.call))
                _give(channel, channel.revise(event.keep, event.text), out)
            else:
                if isinstance(event, (Finish, Done)):
                    self._end(event.index if isinstance(event, Finish) else None, out)
                out.append(event)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        self._end(None, out)
        return out

    def _append(self, event: Delta | ToolDelta, key: tuple[int, str, int | None], text: str, out: list[Event]) -> None:
        channel = self._channel(event, key)
        if channel.append(text):
            out.append(event)
        elif channel.behind:
            _give(channel, channel.catch_up(), out)
        elif isinstance(event, ToolDelta):
            out.append(event)

    def _channel(self, event: Delta | ToolDelta | Revise, key: tuple[int, str, int | None]) -> _Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(event)
        return channel

    def _end(self, index: int | None, out: list[Event]) -> None:
        for channel in self._channels.values():
            if index is None or channel.template.index == index:
                _give(channel, channel.ending(), out)


def _give(channel: _Channel, text: str, out: list[Event]) -> None:
    if text:
        out.append(channel.event(text))


def _nearest(text: str, anchor: str, end: int) -> int:
    """The end of the occurrence of `anchor` that ends nearest to `end`."""
    best, at = -1, text.find(anchor)
    while at >= 0:
        stop = at + len(anchor)
        if best < 0 or abs(stop - end) < abs(best - end):
            best = stop
        at = text.find(anchor, at + 1)
    return best
