"""take: so much of an answer and no more, and that is all that was wanted.

Law of this file: the first characters or tokens of each choice's text, to the character. Reaching the
bound is a success here, as with a request's max_tokens; where it is a failure, see limit. How an
answer is ended stands in ending.py.
"""

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Event, Finish, Revise
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.allowance import Allowance, Unit
from tokenweir.stages.ending import EndingCore, OfChoice, check_choices


def take(
    *, characters: int | None = None, tokens: int | None = None, choices: int = 1
) -> Stage[Event, Event]:
    """End each choice when it has so much text.

    Give `characters` (code points) or `tokens` (estimated as token_count does without a counter: 4
    UTF-8 bytes each), at least 1. Only the text channel counts: not reasoning, not tool calls.
    `choices` is how many answers the request asks for (its `n`).

    In: events. Out: the same; as soon as a choice has reached the bound, `Finish("length")`, and of
    that choice nothing more. When all choices are over, `Done` follows at once: the backend's own
    usage, which would have come later, is not waited for, so `token_count()` goes behind this stage.
    No visible character is parted, so that the text may be a few code points shorter. Held: nothing.
    Kept: the text of each choice, since a revision may come at any time.

    Raises MisuseError without a bound, with both, or for one that is not positive.

    >>> take(characters=5).core().feed([Delta("One two three")])[:2]
    [Delta(text='One t', channel='text', index=0), Finish(reason='length', native=None, index=0)]
    """
    if (characters is None) == (tokens is None):
        msg = "take(): give characters=... or tokens=..., and only one of them"
        raise MisuseError(msg)
    unit: Unit = "characters" if tokens is None else "tokens"
    size = characters if tokens is None else tokens
    if size is None or size < 1:
        msg = f"take({unit}={size!r}): the bound is at least 1"
        raise MisuseError(msg)
    check_choices("take", choices)
    return Stage(lambda: Take(unit, size, choices), "take")


class Take(EndingCore):
    """The core."""

    def __init__(self, unit: Unit, size: int, choices: int) -> None:
        super().__init__(choices)
        self._unit: Unit = unit
        self._size = size
        self._texts: dict[int, tuple[Allowance, list[str]]] = {}

    def _take(self, event: OfChoice, out: list[Event]) -> None:
        if not isinstance(event, (Delta, Revise)) or event.channel != "text":
            out.append(event)
            return
        kept = 0
        allowance, parts = self._texts.get(event.index) or (Allowance(self._unit, self._size), [])
        if isinstance(event, Revise):
            kept, allowance = event.keep, Allowance(self._unit, self._size)
            parts = [allowance.spend("".join(parts)[:kept])]
        self._texts[event.index] = (allowance, parts)
        text = allowance.spend(event.text)
        parts.append(text)
        if text == event.text:
            out.append(event)
        elif isinstance(event, Revise):
            out.append(Revise(kept, text, "text", event.index))
        elif text:
            out.append(Delta(text, "text", event.index))
        if allowance.spent:
            self._end(Finish("length", None, event.index), out)
