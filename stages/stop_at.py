"""stop_at: stop sequences, for backends that ignore them.

Law of this file: the text of a choice ends before the first stop sequence, wherever it was cut, and
only what could be the beginning of one waits. How an answer is ended stands in ending.py.
"""

from collections.abc import Sequence

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Event, Finish, Revise
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.ending import EndingCore, OfChoice, check_choices
from tokenweir.stages.text_marks import Marks


def stop_at(*sequences: str, choices: int = 1) -> Stage[Event, Event]:
    """End each choice's text before the first of these sequences that is complete.

    Only the text channel is looked at. `choices` is how many answers the request asks for (its `n`).

    In: events. Out: the same; at a sequence, what stands before it, then `Finish("stop")` whose
    `native` is the sequence. Of a choice that was ended nothing follows; other choices go on. When all
    are over, `Done` follows at once: the backend's own usage, which would have come later, is not
    waited for, so `token_count()` goes behind this stage. Held: of each choice less than the longest
    sequence; it goes on before a tool call, other text or the finish of its choice, while events that
    have no place in the text (`Usage`, `Extra`, `Phase`) do not wait. Kept: the text of each choice,
    since a revision may come at any time.

    Raises MisuseError without sequences, or for an empty one.

    >>> core = stop_at("User:").core()
    >>> core.feed([Delta("Yes. Us")]), core.feed([Delta("er: and?")])[0].reason
    ([Delta(text='Yes. ', channel='text', index=0)], 'stop')
    """
    if not sequences or not all(sequences):
        msg = f"stop_at{sequences!r}: give at least one sequence, and no empty one"
        raise MisuseError(msg)
    check_choices("stop_at", choices)
    return Stage(lambda: StopAt(sequences, choices), "stop_at")


class _Text:
    """The text of one choice, and how much at its end was not shown yet."""

    __slots__ = ("held", "length", "parts", "unbroken")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.held = ""
        self.unbroken = 0  # no sequence reaches across a tool call: from here on they are looked for


class StopAt(EndingCore):
    """The core."""

    def __init__(self, sequences: Sequence[str], choices: int) -> None:
        super().__init__(choices)
        self._marks = Marks(sequences)
        self._texts: dict[int, _Text] = {}

    def finish(self) -> list[Event]:
        out: list[Event] = []
        for index in self._texts:
            self._break(index, out)
        return out

    def _take(self, event: OfChoice, out: list[Event]) -> None:
        if isinstance(event, Delta) and event.channel == "text":
            self._append(event, out)
        elif isinstance(event, Revise) and event.channel == "text":
            self._revise(event, out)
        else:
            self._break(event.index, out)
            out.append(event)

    def _append(self, event: Delta, out: list[Event]) -> None:
        choice = self._texts.setdefault(event.index, _Text())
        choice.parts.append(event.text)
        choice.length += len(event.text)
        text = choice.held + event.text
        found = self._marks.first(text)
        end = found[0] if found else len(text) - self._marks.held(text)
        choice.held = text[end:]
        if text[:end] == event.text:
            out.append(event)
        elif end:
            out.append(Delta(text[:end], "text", event.index))
        if found:
            self._stop(event.index, found[1], out)

    def _revise(self, event: Revise, out: list[Event]) -> None:
        """Look again at all of the text as it is now, and say how that changes what was shown."""
        choice = self._texts.setdefault(event.index, _Text())
        shown = choice.length - len(choice.held)
        text = "".join(choice.parts)[: event.keep] + event.text
        choice.parts, choice.length = [text], len(text)
        choice.unbroken = choice.unbroken if event.keep >= choice.unbroken else 0
        found = self._marks.first(text, choice.unbroken)
        end = found[0] if found else len(text) - self._marks.held(text, choice.unbroken)
        choice.held = text[end:]
        same = min(event.keep, shown, end)
        if same < shown:
            out.append(Revise(same, text[same:end], "text", event.index))
        elif same < end:
            out.append(Delta(text[same:end], "text", event.index))
        if found:
            self._stop(event.index, found[1], out)

    def _stop(self, index: int, sequence: str, out: list[Event]) -> None:
        del self._texts[index]
        self._end(Finish("stop", sequence, index), out)

    def _break(self, index: int, out: list[Event]) -> None:
        """The text is interrupted, or over: what waits was text."""
        choice = self._texts.get(index)
        if choice is None:
            return
        if choice.held:
            out.append(Delta(choice.held, "text", index))
            choice.held = ""
        choice.unbroken = choice.length
