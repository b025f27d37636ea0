"""token_count: makes sure that every stream ends with token figures, and says who counted.

Law of this file: the backend's own figures where there are any, else the joined text counted by the
caller's counter, else an estimate. A chunk is not a token.
"""

from collections.abc import Callable, Sequence

from tokenweir.pipeline.events import Delta, Done, Event, Revise, ToolDelta, Usage
from tokenweir.pipeline.stage import Stage

BYTES_PER_TOKEN = 4
"""The estimate: UTF-8 bytes a token, as common tokenizers give for English prose (3.5 to 4.5). For
code and for other scripts it is off by up to a half, which is why it is labelled `estimated`."""


def token_count(counter: Callable[[str], int] | None = None) -> Stage[Event, Event]:
    """Give the output's token count before the end, however the stream ends.

    In: events. Out: the same, and one `Usage` before `Done` (or at a cut) where the backend gave no
    output figure: `source` is `counted` with a `counter` (text in, number of tokens out), else
    `estimated`; `partial` where the answer was cut. Kept: the joined text if there is a counter, else
    only its size.

    >>> out = token_count(lambda text: len(text.split())).core().feed([Delta("a b c"), Done()])
    >>> out[1].output, out[1].source
    (3, 'counted')
    """
    return Stage(lambda: TokenCount(counter), "token_count")


class TokenCount:
    """The core."""

    def __init__(self, counter: Callable[[str], int] | None) -> None:
        self._counter = counter
        self._usage: Usage | None = None
        self._parts: list[str] = []
        self._bytes = 0
        self._told = False

    def feed(self, items: Sequence[Event]) -> list[Event]:
        texts = [event.text for event in items if type(event) is Delta]
        if len(texts) == len(items):
            self._add("".join(texts))
            return list(items)
        texts += [event.arguments for event in items if type(event) is ToolDelta]
        self._add("".join(texts))
        return self._others(items)

    def _add(self, text: str) -> None:
        if self._counter is None:
            self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        else:
            self._parts.append(text)

    def _others(self, items: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in items:
            if isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Revise):
                self._add(event.text)
            elif isinstance(event, Done):
                out.extend(self._tell(partial=event.failure is not None))
            out.append(event)
        return out

    def finish(self) -> list[Event]:
        """Without a `Done` the answer was cut: what was counted is partial."""
        return self._tell(partial=True)

    def _tell(self, *, partial: bool) -> list[Event]:
        if self._told:
            return []
        self._told = True
        if self._usage is not None and self._usage.output is not None:
            return []
        if self._counter is not None:
            output = self._counter("".join(self._parts))
        else:
            output = -(-self._bytes // BYTES_PER_TOKEN)
        before = self._usage or Usage()
        return [
            Usage(
                before.input,
                output,
                None if before.input is None else before.input + output,
                before.reasoning,
                before.cached,
                "counted" if self._counter is not None else "estimated",
                partial,
            )
        ]
