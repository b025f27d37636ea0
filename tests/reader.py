"""A consumer that writes down what it is told.

Law of this file: for tests alone; it reads a stream as the documentation says, and checks on the way
what is true of every stream.
"""

from collections.abc import Sequence

from msgspec import Struct

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import TokenweirError
from tokenweir.pipeline.events import End, Event, Extra, Phase, Start
from tokenweir.pipeline.stream import Stream


class Heard(Struct):
    """What one stream told: its events, `End` apart, and the exception after it."""

    events: list[Event]
    end: End
    error: TokenweirError | None

    @property
    def answer(self) -> Assembly:
        """The answer put together."""
        answer = Assembly()
        answer.feed(self.events)
        return answer

    @property
    def text(self) -> str:
        """The text of choice 0."""
        return self.answer.text()

    @property
    def kind(self) -> str | None:
        """The kind of the failure, where there was one."""
        return self.end.failure.kind if self.end.failure else None

    @property
    def message(self) -> str:
        """The message of the failure."""
        return self.end.failure.message if self.end.failure else ""

    @property
    def phases(self) -> list[Phase]:
        """The phases."""
        return [event for event in self.events if isinstance(event, Phase)]


async def hear(stream: Stream) -> Heard:
    """Read to the end."""
    events: list[Event] = []
    error: TokenweirError | None = None
    async with stream:
        try:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - a comprehension loses what came before an exception
        except TokenweirError as told:
            error = told
    return judged(events, stream, error)


def judged(events: Sequence[Event], stream: Stream, error: TokenweirError | None) -> Heard:
    """Hold a stream that was read to its end to the contract: one `End`, last, and recorded; at most
    one `Start`, before everything but phases and extras; an exception exactly where the end is broken."""
    *before, end = events
    assert isinstance(end, End)
    assert stream.end is end
    assert not any(isinstance(event, End) for event in before)
    told = [event for event in before if not isinstance(event, Phase | Extra)]
    starts = [at for at, event in enumerate(told) if isinstance(event, Start)]
    assert starts in ([], [0])
    assert (end.failure is None) == (end.outcome == "complete")
    assert (error is None) == (end.outcome == "complete")
    return Heard(before, end, error)
