"""The answer as events, each with the time at which it is due.

Law of this file: pure; a request and quirks in, steps out. It knows nothing of bytes: faults of the
wire stand in faults.py.
"""

from collections.abc import Iterator

from msgspec import Struct

from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Done,
    Event,
    Finish,
    FinishReason,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.simulator.ask import Ask
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.text import Script, script_of

CREATED = 1_790_000_000
"""When every answer says it was made (Unix seconds): the simulator reads no wall clock."""


class Step(Struct, frozen=True, gc=False):
    """One event, `at` so many seconds after the request; `token` where it brings a token."""

    at: float
    event: Event
    token: bool = False


class Answer:
    """The answer to one request: the same tokens for each of its `n` choices.

    `steps(begin)` gives its events in order, the first token at `begin` (seconds). `answer_id` and
    `model` are what `Start` says.
    """

    def __init__(self, ask: Ask, quirks: Quirks, answer_id: str, model: str) -> None:
        self._ask = ask
        self._quirks = quirks
        self._start = Start(answer_id, quirks.provider, model, CREATED)
        self._choices = range(ask.n or 1)
        self._calls = quirks.tool is not None and ask.offers(quirks.tool.name)
        self._reasoning = script_of(quirks.reasoning or "")
        self._script = self._said()
        whole = len(self._reasoning.tokens) + len(self._script.tokens)
        self._count = whole if ask.limit is None else min(whole, ask.limit)
        self._reason: FinishReason = (
            "length" if self._count < whole else "tool_calls" if self._calls else "stop"
        )

    def _said(self) -> Script:
        tool = self._quirks.tool
        return script_of(tool.arguments) if tool is not None and self._calls else self._quirks.script

    @property
    def seconds(self) -> float:
        """How long it takes from its first token to its end: every token has its turn."""
        return 0.0 if self._quirks.rate is None else self._count / self._quirks.rate

    def steps(self, begin: float = 0.0) -> Iterator[Step]:
        """What happens, in order."""
        end = begin + self.seconds
        yield Step(begin, self._start)
        for number in range(self._count):
            at = begin if self._quirks.rate is None else begin + number / self._quirks.rate
            for index in self._choices:
                yield from self._token(at, number, index)
        for index in self._choices:
            yield from self._repeat(end, index)
            yield Step(end, Finish(self._reason, None, index))
        yield Step(end, self.usage())
        yield Step(end, Done())

    def _token(self, at: float, number: int, index: int) -> Iterator[Step]:
        thought = len(self._reasoning.tokens)
        if number < thought:
            yield Step(at, self._text(self._reasoning, number, "reasoning", index), token=True)
        elif self._calls:
            yield from self._call(at, number - thought, index)
        else:
            yield Step(at, self._text(self._script, number - thought, "text", index), token=True)

    def _text(self, script: Script, number: int, channel: Channel, index: int) -> Event:
        if self._quirks.cumulative:
            return Snapshot(script.snapshot(number), channel, index)
        return Delta(script.tokens[number], channel, index)

    def _call(self, at: float, number: int, index: int) -> Iterator[Step]:
        if number == 0 and self._quirks.tool is not None:
            yield Step(at, ToolDelta(0, f"call_{index}", self._quirks.tool.name, "", index))
        if self._quirks.cumulative:
            yield Step(at, Snapshot(self._script.snapshot(number), "tool", index, 0), token=True)
        else:
            yield Step(at, ToolDelta(0, None, None, self._script.tokens[number], index), token=True)

    def _repeat(self, at: float, index: int) -> Iterator[Step]:
        said = self._count - len(self._reasoning.tokens)
        if self._quirks.final_repeat and said > 0:
            text = "".join(self._script.tokens[:said])
            yield Step(at, Snapshot(text, "tool", index, 0) if self._calls else Snapshot(text, "text", index))

    def usage(self) -> Usage:
        """The token figures, all choices together."""
        sent, choices = self._ask.prompt_tokens(), len(self._choices)
        thought = min(self._count, len(self._reasoning.tokens)) * choices
        output = self._count * choices
        return Usage(sent, output, sent + output, thought if self._quirks.reasoning else None)
