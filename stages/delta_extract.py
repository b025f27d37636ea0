"""delta_extract: turns snapshots into what is new in them.

Law of this file: one comparison per snapshot, with the last snapshot of the same channel. What it
gives says exactly how the text changed: `Delta` for growth, `Revise` for anything else, nothing for
no growth and for a rewind (the backend showed less than before; PROTOCOLS 8.2, case 6).

It also counts what the backend sent and how much of it was new, for `Stats.amplification`.
"""

from collections.abc import Sequence

from tokenweir.pipeline.events import Delta, Event, Revise, Snapshot, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_evidence import common_prefix

Key = tuple[int, str, int | None]


def delta_extract() -> Stage[Event, Event]:
    """Resolve snapshots.

    In: events, snapshots among them; the first snapshot of a channel comes before any delta of it, as
    cumulative_detect gives them. Out: the same without snapshots, in order. Held: nothing; kept
    is the last snapshot of each channel (a reference, no copy).

    >>> out = delta_extract().core().feed([Snapshot("I"), Snapshot("I am"), Snapshot("I was")])
    >>> [(type(event).__name__, event.text) for event in out]
    [('Delta', 'I'), ('Delta', ' am'), ('Revise', 'was')]
    """
    return Stage(DeltaExtract, "delta_extract", takes="raw events", gives="events")


class DeltaExtract:
    """The core."""

    def __init__(self) -> None:
        self._shown: dict[Key, str | None] = {}
        self._live: set[Key] = set()  # channels whose last text was a snapshot
        self._sizes: dict[Key, int] = {}  # UTF-8 bytes of what is shown
        self._sent = 0
        self._new = 0

    def feed(self, items: Sequence[Event]) -> list[Event]:
        first = items[0] if len(items) == 1 else None
        if type(first) is Delta and not self._live:
            size = _size(first.text)
            self._sent += size
            self._new += size
            return list(items)
        if not self._live and Snapshot not in map(type, items):
            self._count(items)
            return list(items)
        out: list[Event] = []
        append = out.append
        for event in items:
            if isinstance(event, Snapshot):
                self._snapshot(event, out)
                continue
            if self._live and isinstance(event, (Delta, ToolDelta)):
                self._forget(event)
            append(event)
        self._count(items)
        return out

    def _count(self, items: Sequence[Event]) -> None:
        """Once per batch: what came as deltas is new, every byte of it."""
        texts = [event.text for event in items if type(event) is Delta]
        if len(texts) < len(items):
            texts += [event.arguments for event in items if type(event) is ToolDelta]
        if texts:
            size = _size("".join(texts))
            self._sent += size
            self._new += size

    def _forget(self, event: Delta | ToolDelta) -> None:
        """Text came as a delta: what a later snapshot must be compared with is not known any more,
        and it will be given as a revision of everything."""
        key: Key
        if isinstance(event, Delta):
            key, text = (event.index, event.channel, None), event.text
        else:
            key, text = (event.index, "tool", event.call), event.arguments
        if text and key in self._shown:
            self._shown[key] = None
            self._live.discard(key)

    def _snapshot(self, event: Snapshot, out: list[Event]) -> None:
        key = (event.index, event.channel, event.call)
        text, shown = event.text, self._shown.get(key, "")
        if shown and text.startswith(shown):  # what was shown is not looked at (nor encoded) again
            size = self._sizes[key] + _size(text[len(shown) :])
        else:
            size = _size(text)
        self._sent += size
        if shown is None:
            self._change(event, 0, "", out)
        elif text.startswith(shown):
            if len(text) > len(shown):
                self._grow(event, text[len(shown) :], out)
        elif shown.startswith(text):
            return
        else:
            keep = common_prefix(text, shown)
            self._change(event, keep, shown[keep:], out)
        self._shown[key], self._sizes[key] = text, size
        self._live.add(key)

    def _grow(self, event: Snapshot, text: str, out: list[Event]) -> None:
        self._new += _size(text)
        if event.channel == "tool":
            out.append(ToolDelta(event.call or 0, None, None, text, event.index))
        else:
            out.append(Delta(text, event.channel, event.index))

    def _change(self, event: Snapshot, keep: int, before: str, out: list[Event]) -> None:
        """New is what the text grew by: the rest of a revised tail had been sent before."""
        text = event.text[keep:]
        self._new += max(0, _size(text) - _size(before))
        out.append(Revise(keep, text, event.channel, event.index, event.call))

    def finish(self) -> list[Event]:
        return []

    def figures(self) -> dict[str, float]:
        return {"sent_bytes": self._sent, "new_bytes": self._new}


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
