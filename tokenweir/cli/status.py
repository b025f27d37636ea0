"""The live status line of a terminal.

Law of this file: one line on a terminal that is gone without a trace before anything else is written
there. What it says stands in progress.py.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from tokenweir.cli.progress import Progress
from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.events import Delta, Event, Revise
from tokenweir.pipeline.sink import Sink

_PER_SECOND = 8
_SPINNER_CELLS = 2


class Status:
    """A line that lives within a `with` block, under asyncio: a thread draws it, and trio tells the time
    to its own thread alone.

    `shared` says that the answer's text comes on the same terminal: the line then goes away with the
    first of it, for good. On a console that cannot redraw a line nothing is ever shown.
    """

    def __init__(self, console: Console, *, shared: bool) -> None:
        self._clock: Clock = running_clock()
        self._progress = Progress(self._clock())
        self._shared = shared
        self._console = console
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")
        self._live = Live(
            console=console,
            get_renderable=self._line,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        self._console.show_cursor(True)  # noqa: FBT003 - rich's signature. A killed process cannot bring it back
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def see(self, batch: Sequence[Event]) -> None:
        """Take the events of one read, before they are shown."""
        if self._shared and any(_is_text(event) for event in batch):
            self.clear()
        self._progress.see(batch, self._clock())

    def clear(self) -> None:
        """Take the line away; it does not come back."""
        self._live.stop()

    def _line(self) -> RenderableType:
        words = Text(self._progress.words(self._clock()), style="dim")
        words.truncate(self._console.width - _SPINNER_CELLS, overflow="ellipsis")
        self._spinner.update(text=words)
        return self._spinner


def _is_text(event: Event) -> bool:
    return isinstance(event, Delta | Revise) and event.channel == "text" and event.index == 0


class Beside:
    """A sink that tells a status line of each batch before another sink gets it."""

    def __init__(self, status: Status, sink: Sink) -> None:
        self._status = status
        self._sink = sink

    async def send(self, batch: Sequence[Event]) -> None:
        """Pass a batch on."""
        self._status.see(batch)
        await self._sink.send(batch)

    async def aclose(self) -> None:
        """Close the other sink."""
        await self._sink.aclose()
