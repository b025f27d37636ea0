"""token_count: makes sure that every stream ends with token figures, and says who counted.

Law of this file: the backend's own figures where there are any, else the text counted by the caller's
counter, else an estimate. A chunk is not a token. Text that a revision took away does not count.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from os import PathLike, fspath
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Revise, ToolDelta, Usage
from tokenweir.pipeline.stage import Stage

BYTES_PER_TOKEN = 4
"""The estimate: UTF-8 bytes a token, as common tokenizers give for English prose (3.5 to 4.5). For
code and for other scripts it is off by up to a half, which is why it is labelled `estimated`."""

Counter = Callable[[str], int]


def token_count(counter: Counter | str | PathLike[str] | None = None) -> Stage[Event, Event]:
    """Give the output's token count before the end, however the stream ends.

    `counter` takes a text (each channel of each choice by itself) and gives its number of tokens; or it
    is the path of a `tokenizer.json`, read once, here (needs the extra `tokenizers`). A backend's own
    tokenize call is no counter: it would have to wait for the network, which no stage may; ask it about
    the text of the report.

    In: events. Out: the same, and one `Usage` before `Done` (or at a cut) where the backend gave no
    output figure: `source` is `counted` with a counter, else `estimated`; `partial` where the answer
    was cut. Kept: the text if there is a counter, else only its size.

    Raises MisuseError where the file cannot be read, or the extra is missing.

    >>> out = token_count(lambda text: len(text.split())).core().feed([Delta("a b c"), Done()])
    >>> out[1].output, out[1].source
    (3, 'counted')
    """
    ready = counter if counter is None or callable(counter) else _tokenizer(fspath(counter))
    return Stage(lambda: TokenCount(ready), "token_count")


def _tokenizer(path: str) -> Counter:
    try:
        tokenizers: Any = import_module("tokenizers")
    except ImportError as missing:
        msg = f"token_count({path!r}) needs the package tokenizers: pip install 'tokenweir[tokenizers]'"
        raise MisuseError(msg) from missing
    try:
        tokenizer = tokenizers.Tokenizer.from_file(path)
    except Exception as unread:  # the package raises bare Exception for files
        msg = f"token_count({path!r}): this is no tokenizer.json that can be read: {unread}"
        raise MisuseError(msg) from unread

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


class _Text:
    """The text of one channel, or its size alone."""

    __slots__ = ("_bytes", "_characters", "_parts")

    def __init__(self, *, kept: bool) -> None:
        self._parts: list[str] | None = [] if kept else None
        self._characters = self._bytes = 0

    def add(self, text: str) -> None:
        if self._parts is not None:
            self._parts.append(text)
        else:
            self._characters += len(text)
            self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

    def cut(self, keep: int) -> None:
        if self._parts is not None:
            self._parts[:] = [self.text[:keep]]
        elif keep < self._characters:
            self._bytes = self._bytes * keep // self._characters
            self._characters = keep

    @property
    def text(self) -> str:
        return "".join(self._parts or ())

    @property
    def size(self) -> int:
        return self._bytes


class TokenCount:
    """The core."""

    def __init__(self, counter: Counter | None) -> None:
        self._counter = counter
        self._usage: Usage | None = None
        self._texts: dict[tuple[int, str], _Text] = {}  # by choice and channel (or tool call)
        self._told = False

    def feed(self, items: Sequence[Event]) -> list[Event]:
        first = items[0] if items else None
        if type(first) is Delta:  # the common batch: text of one channel of one choice
            index, channel = first.index, first.channel
            if len(items) == 1:
                self._of((index, channel)).add(first.text)
                return list(items)
            texts = [e.text for e in items if type(e) is Delta and e.channel == channel and e.index == index]
            if len(texts) == len(items):
                self._of((index, channel)).add("".join(texts))
                return list(items)
        out: list[Event] = []
        for event in items:
            if type(event) is Delta:
                self._of((event.index, event.channel)).add(event.text)
            else:
                self._take(event, out)
            out.append(event)
        return out

    def _of(self, key: tuple[int, str]) -> _Text:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _Text(kept=self._counter is not None)
        return text

    def _take(self, event: Event, out: list[Event]) -> None:
        if isinstance(event, ToolDelta):
            self._of((event.index, f"tool {event.call}")).add(event.arguments)
        elif isinstance(event, Revise):
            channel = f"tool {event.call}" if event.channel == "tool" else event.channel
            text = self._of((event.index, channel))
            text.cut(event.keep)
            text.add(event.text)
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Done):
            out += self._tell(partial=event.failure is not None)

    def finish(self) -> list[Event]:
        """Without a `Done` the answer was cut: what was counted is partial."""
        return self._tell(partial=True)

    def _tell(self, *, partial: bool) -> list[Event]:
        if self._told:
            return []
        self._told = True
        before = self._usage or Usage()
        if before.output is not None:
            return []
        texts = self._texts.values()
        if self._counter is not None:
            output = sum(self._counter(text.text) for text in texts)
        else:
            output = -(-sum(text.size for text in texts) // BYTES_PER_TOKEN)
        return [
            Usage(
                before.input,
                output,
                None if before.input is None else before.input + output,
                before.reasoning,
                before.cached,
                "estimated" if self._counter is None else "counted",
                partial,
            )
        ]
