"""The answers that are being given, and the last that were.

Law of this file: what is known of one answer while it is given, kept by adding numbers once per network
read. Who shows it (page, metrics, log) reads it from here; no text of a prompt or an answer stands here
(fault S16).
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

import anyio

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.events import Delta, End, Event, Failure, Phase, Start, ToolDelta, Usage

State = Literal["queued", "connecting", "loading", "prefill", "streaming"]

RECENT = 50
"""Ended answers that are remembered."""


class Answer:
    """One answer under way. `scope` is what `stop` cancels."""

    def __init__(self, request_id: str, endpoint: str, key: str | None, model: str | None) -> None:
        self.request_id = request_id
        self.endpoint = endpoint
        self.key = key
        self.asked = model
        self.model = model
        self.backend: str | None = None
        self.tried: list[str] = []
        """The backends that were asked, in turn."""
        self.state: State = "connecting"
        self.progress: float | None = None
        self.started = running_clock()()
        self.first_token: float | None = None
        self.ended: float | None = None
        self.tokens = 0
        """Pieces of text so far: about as many as tokens, until the end tells."""
        self.characters = 0
        self.wire_bytes = 0
        self.end: End | None = None
        self.failure: Failure | None = None
        self.status: int = 200
        self.usage: Usage | None = None
        self.scope = anyio.CancelScope()
        self.stopped: Failure | None = None
        self.writing = False
        """Whether a write is under way, which is not to be cut short: who writes looks at `stopped` then."""

    def see(self, batch: list[Event]) -> None:
        """Take note of what one network read brought."""
        for event in batch:
            if isinstance(event, Delta | ToolDelta):
                self.tokens += 1
                self.characters += len(event.text if isinstance(event, Delta) else event.arguments)
                if self.first_token is None:
                    self.first_token = running_clock()()
                    self.state, self.progress = "streaming", None
            elif isinstance(event, Phase):
                self.state, self.progress = event.name, event.progress
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, Start):
                self.model = event.model or self.model
            elif isinstance(event, End):
                self.end, self.failure = event, event.failure

    def stop(self, failure: Failure) -> None:
        """End it from outside: its client is told this failure, and its backend is closed."""
        if self.stopped is None:
            self.stopped = failure
            if not self.writing:
                self.scope.cancel()

    @property
    def outcome(self) -> str:
        """How it ended, or `refused` where it never began."""
        return "refused" if self.end is None else self.end.outcome


class Live:
    """All answers under way, and the last RECENT that ended. `on_end` is told of each end; `begun` counts
    them all."""

    def __init__(self, on_end: Callable[[Answer], None]) -> None:
        self._answers: dict[int, Answer] = {}
        self._on_end = on_end
        self.begun = 0
        self.recent: deque[Answer] = deque(maxlen=RECENT)
        self._idle = anyio.Event()
        self._idle.set()

    def __iter__(self) -> Iterator[Answer]:
        return iter(list(self._answers.values()))

    def __len__(self) -> int:
        return len(self._answers)

    def of_key(self, key: str | None) -> int:
        """How many answers this client has under way."""
        return sum(answer.key == key for answer in self._answers.values())

    def enter(self, answer: Answer) -> None:
        """It begins."""
        if not self._answers:
            self._idle = anyio.Event()
        self._answers[id(answer)] = answer
        self.begun += 1

    def leave(self, answer: Answer) -> None:
        """It is over: told, and remembered."""
        answer.ended = running_clock()()
        del self._answers[id(answer)]
        self.recent.appendleft(answer)
        if not self._answers:
            self._idle.set()
        self._on_end(answer)

    async def until_idle(self) -> None:
        """Wait until nothing is under way."""
        await self._idle.wait()
