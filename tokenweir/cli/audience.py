"""Who watches the demo: a terminal with a status line, or a pipe that gets each phase as a line.

Law of this file: what is shown of a run, and where; nothing of what is run.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TextIO, cast

from rich.console import Console

from tokenweir.cli.progress import Progress
from tokenweir.cli.status import Status
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.events import Event, Phase
from tokenweir.sinks import stdout
from tokenweir.stages import append_only

SAMPLE = 400
"""Characters of a naive client's text that are shown: enough to see it."""


class Sample:
    """Shows how a naive client's text begins, and says how long it became. Needs a running event loop."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = running_clock()
        self._began = self._clock()
        self._size = 0

    def show(self, text: str) -> None:
        """Take the text of one chunk."""
        if not text:
            return
        if self._size == 0:
            silence = self._clock() - self._began
            self._console.print(f"({silence:.1f} s of silence, then:)", style="dim")
        self._console.file.write(text[: max(0, SAMPLE - self._size)])
        self._console.file.flush()
        self._size += len(text)

    def end(self, size: int) -> None:
        """The answer is over; `size` is how many characters it really has."""
        self._console.print(f"…\n{self._size:,} characters for an answer of {size:,}", style="red")


class Audience:
    """A sink that shows an answer on the console's file, within a `with` block, and keeps its events."""

    def __init__(self, console: Console) -> None:
        self.events: list[Event] = []
        self._console = console
        self._answer = stdout(cast("TextIO", console.file))
        self._redraws = console.file.isatty() and not console.is_dumb_terminal
        # What went into a pipe cannot be taken back; the events that are kept stay as they came.
        self._fit = None if console.file.isatty() else append_only().core()
        self._over = ExitStack()

    def __enter__(self) -> Self:
        self._status: Status | Phases
        if self._redraws:
            self._status = self._over.enter_context(Status(self._console, shared=True))
        else:
            self._status = Phases(self._console)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.close()

    async def send(self, batch: Sequence[Event]) -> None:
        """Show what there is to see of a batch."""
        self.events.extend(batch)
        self._status.see(batch)
        shown = batch if self._fit is None else self._fit.feed(batch)
        if shown:
            await self._answer.send(shown)

    async def aclose(self) -> None:
        """Nothing to do: the file is its owner's."""


class Phases:
    """What a status line says while nothing flows, as lines: for where no line can be redrawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = running_clock()
        self._progress = Progress(self._clock())

    def see(self, batch: Sequence[Event]) -> None:
        """Say each new phase."""
        now = self._clock()
        for event in batch:
            self._progress.see([event], now)
            if isinstance(event, Phase):
                self._console.print(f"({self._progress.words(now)})", style="dim")
