r"""Half surrogate pairs: JSON may carry `\ud83d` in one delta and `\ude00` in the next.

Law of this file: text in, valid Unicode out (PROMISES P5, fault V09). Text that no such escape was
in is valid by construction, and passes after one look.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from tokenweir.pipeline.events import Delta, Event, ToolDelta


class Halves:
    """Joins the halves of surrogate pairs across deltas, per key (choice and channel)."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[object, str] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    def mend(self, key: object, text: str) -> str:
        """`text` with whole pairs joined, lone halves as U+FFFD, and a trailing high half held back
        (at most one code unit per key)."""
        if self._held:
            text = self._held.pop(key, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held[key] = text[-1]
            text = text[:-1]
        return whole(text)

    def flush(self, ended: Callable[[object], bool] | None = None) -> list[tuple[object, str]]:
        """What is still held for the keys that have ended (all, if not told): each lone half is U+FFFD
        now."""
        keys = [key for key in self._held if ended is None or ended(key)]
        for key in keys:
            del self._held[key]
        return [(key, "\ufffd") for key in keys]


class MendedEvents:
    """Passes events on, with the halves of surrogate pairs joined in each channel and call."""

    __slots__ = ("_halves",)

    def __init__(self) -> None:
        self._halves = Halves()

    def __bool__(self) -> bool:
        return bool(self._halves)

    def take(self, events: Iterable[Event], out: list[Event]) -> None:
        """Add the events to `out`; a delta of which nothing is left is not added."""
        for event in events:
            if isinstance(event, Delta):
                text = self._halves.mend((event.index, event.channel, None), event.text)
                if text:
                    out.append(Delta(text, event.channel, event.index))
            elif isinstance(event, ToolDelta):
                text = self._halves.mend((event.index, None, event.call), event.arguments)
                if text or event.id or event.name:
                    out.append(ToolDelta(event.call, event.id, event.name, text, event.index))
            else:
                out.append(event)

    def flush(self, out: list[Event], index: int | None = None) -> None:
        """Add what is held of one choice, or of all."""
        for key, text in self._halves.flush(lambda key: index in (None, cast("tuple[Any, ...]", key)[0])):
            of, channel, call = cast("tuple[int, Any, int]", key)
            out.append(ToolDelta(call, None, None, text, of) if channel is None else Delta(text, channel, of))


def whole(text: str) -> str:
    r"""Text with whole pairs joined and every lone half as U+FFFD.

    >>> whole("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
