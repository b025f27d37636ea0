"""The whole answer, put together from its events.

Law of this file: pure bookkeeping of the vocabulary, in the order in which events came; revisions
are applied exactly. No I/O, no clock. Linear in what was sent: text is kept as characters, whatever pieces
it came in, and a revision takes some from the end.
"""

from collections.abc import Iterable
from io import StringIO
from typing import Literal, TypedDict

from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Done,
    End,
    Event,
    Failure,
    Finish,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.sink import refuse_snapshot


class Text:
    """Text that grows, and that may be revised.

    >>> text = Text()
    >>> text.add("Hello wrld")
    >>> text.revise(7, "orld")
    >>> str(text), text.size
    ('Hello world', 11)
    """

    __slots__ = ("_said", "size")

    def __init__(self) -> None:
        self._said = StringIO()  # a list would cost fifty bytes for each small delta
        self.size = 0
        """Length in code points."""

    def add(self, text: str) -> None:
        """Append."""
        self.size += self._said.write(text)

    def revise(self, keep: int, text: str) -> None:
        """Keep the first `keep` code points (all, where there are fewer), then append `text`."""
        if keep < self.size:
            self._said.seek(keep)
            self._said.truncate()
            self.size = keep
        self.add(text)

    def __str__(self) -> str:
        return self._said.getvalue()


class ToolCall(TypedDict):
    """One call that the model asks for. `arguments` is the text as it came, JSON where all went well."""

    id: str | None
    name: str | None
    arguments: str


class Assembly:
    """Applies events and knows the answer so far.

    >>> answer = Assembly()
    >>> answer.feed([Delta("Hi"), Delta(" yuo"), Revise(4, "ou"), Finish("stop")])
    >>> answer.text(), answer.finish[0].reason, answer.revisions
    ('Hi you', 'stop', 1)
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[int, Channel], Text] = {}
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self._arguments: dict[tuple[int, int], Text] = {}
        self.events = 0
        """How many events came, without `Done` and `End`."""
        self.revisions = 0
        self.finish: dict[int, Finish] = {}
        """The `Finish` of each choice that has ended, by its index."""
        self.usage: Usage | None = None
        """The last one, which is the truth."""
        self.start: Start | None = None
        self.failure: Failure | None = None
        """What `Done` or `End` told."""
        self.end: End | None = None

    @property
    def model(self) -> str | None:
        """The model's name as the backend gave it."""
        return self.start.model if self.start else None

    @property
    def choices(self) -> list[int]:
        """The indexes of all choices seen, in ascending order."""
        seen = [index for index, _ in self._texts] + [index for index, _ in self._calls]
        return sorted({*seen, *self.finish})

    def text(self, index: int = 0, channel: Channel = "text") -> str:
        """The text of one choice and channel so far; empty where none came."""
        text = self._texts.get((index, channel))
        return str(text) if text else ""

    def tool_calls(self, index: int = 0) -> list[ToolCall]:
        """The tool calls of one choice so far, in the order of their numbers."""
        keys = sorted(key for key in self._calls if key[0] == index)
        return [{**self._calls[key], "arguments": str(self._arguments[key])} for key in keys]

    def feed(self, events: Iterable[Event]) -> None:
        """Apply events in order. Raises StageError at a `Snapshot`, after what came before it."""
        for event in events:
            if isinstance(event, Delta):
                self.events += 1
                self._text(event.index, event.channel).add(event.text)
            else:
                self._apply(event)

    def _apply(self, event: Event) -> None:
        if isinstance(event, End | Done):
            self.failure = event.failure or self.failure
            self.end = event if isinstance(event, End) else self.end
            return
        self.events += 1
        match event:
            case ToolDelta():
                self._tool(event)
            case Revise(channel=channel):
                self.revisions += 1
                self._place(event, channel).revise(event.keep, event.text)
            case Usage():
                self.usage = event
            case Finish(index=index):
                self.finish[index] = event
            case Start():
                self.start = event
            case Snapshot():
                refuse_snapshot("Assembly")
            case _:
                pass

    def _text(self, index: int, channel: Channel) -> Text:
        text = self._texts.get((index, channel))
        if text is None:
            text = self._texts[index, channel] = Text()
        return text

    def _place(self, event: Revise, channel: Channel | Literal["tool"]) -> Text:
        if channel == "tool":
            return self._call(event.index, event.call or 0)
        return self._text(event.index, channel)

    def _call(self, index: int, call: int) -> Text:
        key = index, call
        if key not in self._calls:
            self._calls[key] = {"id": None, "name": None, "arguments": ""}
            self._arguments[key] = Text()
        return self._arguments[key]

    def _tool(self, event: ToolDelta) -> None:
        self._call(event.index, event.call).add(event.arguments)
        call = self._calls[event.index, event.call]
        call["id"] = event.id or call["id"]
        call["name"] = event.name or call["name"]
