"""append_only: for receivers that cannot take text back (OpenAI clients, pipes, throttle).

Law of this file: what was shown stays; a revision is followed as well as that allows. On a `Revise`
it goes on after the place where the end of what was shown stands in the new text, waits where it
stands nowhere, and at the end gives what is missing. Never twice, never a lost ending: what both
texts begin with is not shown again, and the last characters shown are the text's last ones (unless
the text is only the beginning of what was shown). Linear, also while it waits.
"""

from collections.abc import Sequence

from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_evidence import common_prefix

ANCHORS = (64, 32, 16, 8)
"""How many of the last characters shown are looked for in the new text, longest first: eight are
the fewest that rarely stand in a text twice."""
LOOK_BACK = 256
"""How far before the end of what was shown a place is looked for, when the text is over."""

Key = tuple[int, str, int | None]


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

    __slots__ = ("_parts", "_shown", "_size", "_tail", "_template", "_truth", "behind", "index")

    def __init__(self, template: Delta | ToolDelta | Revise) -> None:
        self._template = template
        self.index = template.index
        self.behind = False
        self._parts: list[str] = []  # what came since `_truth` (and, unless behind, since `_shown`)
        self._truth = ""
        self._shown = ""
        self._size = 0  # of the whole truth, while behind
        self._tail = ""  # its last characters, while behind

    def append(self, text: str) -> None:
        """New text, where the receiver is not behind: it is shown as it came."""
        self._parts.append(text)

    def revise(self, keep: int, text: str) -> str:
        """What can be shown of the revised text now."""
        self._join()
        self._truth = self._truth[:keep] + text
        same = common_prefix(self._truth, self._shown)
        place = same if same == len(self._shown) else self._place(self._truth, len(self._shown), same)
        return self._go_on(place)

    def catch_up(self, text: str) -> str:
        """What can be shown now that more has come, where the receiver is behind."""
        before = self._size - len(self._tail)
        window = self._tail + text
        self._parts.append(text)
        if self._size < len(self._shown) < ANCHORS[-1]:  # too little was shown to be looked for
            whole = self._truth + "".join(self._parts)
            place = len(self._shown) if whole.startswith(self._shown) else None
        else:
            place = self._place(window, len(self._shown) - before, len(self._tail) + 1)
            place = None if place is None else place + before
        self._size += len(text)
        self._tail = window[-ANCHORS[0] + 1 :]
        if place is None:
            return ""
        self._join()
        return self._go_on(place)

    def _place(self, text: str, end: int, floor: int) -> int | None:
        """Where in `text`, not before `floor`, the end of what was shown stands; nearest to `end`."""
        for length in ANCHORS:
            if length <= len(self._shown):
                place = _nearest(text, self._shown[-length:], end, floor)
                if place is not None:
                    return place
        return None

    def _join(self) -> None:
        added = "".join(self._parts)
        self._parts.clear()
        self._truth += added
        if not self.behind:
            self._shown += added

    def _go_on(self, place: int | None) -> str:
        self.behind = place is None
        if place is None:
            self._size, self._tail = len(self._truth), self._truth[-ANCHORS[0] + 1 :]
            return ""
        text = self._truth[place:]
        self._shown += text
        return text

    def ending(self) -> str:
        """The channel is over: what is missing, from behind the last place that both texts share."""
        if not self.behind:
            return ""
        self._join()
        same = common_prefix(self._truth, self._shown)
        if same == len(self._truth):
            self.behind = False
            return ""
        place, shortest = None, ANCHORS[-1]
        for end in range(len(self._shown) - 1, max(same, shortest - 1, len(self._shown) - LOOK_BACK), -1):
            place = _nearest(self._truth, self._shown[end - shortest : end], end, same)
            if place is not None:
                break
        return self._go_on(same if place is None else place)

    def event(self, text: str) -> Event:
        """New text of this channel."""
        of = self._template
        if isinstance(of, ToolDelta) or of.channel == "tool":
            return ToolDelta(of.call or 0, None, None, text, of.index)
        return Delta(text, of.channel, of.index)


class AppendOnly:
    """The core."""

    def __init__(self) -> None:
        self._channels: dict[Key, _Channel] = {}

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

    def _append(self, event: Delta | ToolDelta, key: Key, text: str, out: list[Event]) -> None:
        channel = self._channel(event, key)
        if not channel.behind:
            channel.append(text)
            out.append(event)
            return
        if isinstance(event, ToolDelta) and (event.id or event.name):
            out.append(ToolDelta(event.call, event.id, event.name, "", event.index))
        _give(channel, channel.catch_up(text), out)

    def _channel(self, event: Delta | ToolDelta | Revise, key: Key) -> _Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(event)
        return channel

    def _end(self, index: int | None, out: list[Event]) -> None:
        for channel in self._channels.values():
            if index is None or channel.index == index:
                _give(channel, channel.ending(), out)


def _give(channel: _Channel, text: str, out: list[Event]) -> None:
    if text:
        out.append(channel.event(text))


def _nearest(text: str, anchor: str, end: int, floor: int) -> int | None:
    """The end of the occurrence of `anchor` that ends nearest to `end`, and not before `floor`."""
    first = max(0, floor - len(anchor))
    before = text.rfind(anchor, first, max(0, end))
    after = text.find(anchor, max(first, end - len(anchor) + 1))
    places = [at + len(anchor) for at in (before, after) if at >= 0]
    return min(places, key=lambda place: abs(place - end), default=None)
