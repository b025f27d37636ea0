"""log: what happened, in the application's own log, and not what was said.

Law of this file: constant event names; every value that came from outside is made visible and
bounded, so that one event is one line (P28); prompts never, answers only when asked (fault S16).
"""

import logging
from collections.abc import Sequence
from typing import Any, Literal

import structlog

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import (
    Delta,
    End,
    Event,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    Stats,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.sink import refuse_snapshot
from tokenweir.pipeline.visible import visible

TEXT = 4096
"""Code points of the answer that a log line shows at most."""

_NAME = 200  # code points of a name that a backend gave
_BREAKS = {0x0A: "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029"}  # what some reader takes for a line's end

Per = Literal["stream", "phase"]


def log(logger: Any = None, *, per: Per = "stream", text: bool = False) -> "Log":
    r"""Log one line per stream, `answer_end`, with its figures: seconds, counts, tokens, outcome.

    `logger` is a structlog logger, or any object whose `info` and `warning` take an event name and
    keywords (those of the standard library do not); None is structlog's own of the name `tokenweir`.
    It is called on the event loop. An end that is neither complete nor cancelled is a warning.

    `per="phase"` logs before that what the stream is doing, once at each change: `answer_phase` with
    the phase's name, then `answer_begin` at the first content. `text=True` adds the text of choice 0 to
    the last line: at most TEXT code points of it, with escapes for what steers a terminal and for line
    breaks. Without it, nothing of the answer is kept.

    Raises MisuseError for what is no logger, or an unknown `per`; `send` raises StageError at a
    `Snapshot`.
    """
    if per not in ("stream", "phase"):
        raise MisuseError(f"log(per={per!r}): 'stream' or 'phase'")
    target = structlog.get_logger("tokenweir") if logger is None else logger
    if isinstance(target, logging.Logger) or not callable(getattr(target, "warning", None)):
        raise MisuseError(f"log({logger!r}): takes a structlog logger, such as structlog.get_logger()")
    return Log(target, phases=per == "phase", text=text)


class Log:
    """The sink that `log` makes."""

    def __init__(self, logger: Any, *, phases: bool, text: bool) -> None:
        self._log = logger
        self._phases = phases
        self._shown = _Beginning() if text else None
        self._phase: str | None = None
        self._about: dict[str, Any] = {"provider": None, "model": None}
        self._tokens: dict[str, Any] = {}
        self._finish: str | None = None

    async def send(self, batch: Sequence[Event]) -> None:
        """Note a batch; log what it brings to an end."""
        for event in batch:
            match event:
                case Delta() | ToolDelta() | Revise():
                    self._content(event)
                case Phase(name=name) if self._phases and name != self._phase:
                    self._phase = name
                    seen = {"phase": name, "progress": event.progress, "elapsed": event.elapsed}
                    self._log.info("answer_phase", **seen)
                case Start():
                    self._about = {"provider": _line(event.provider), "model": _line(event.model)}
                case Usage():
                    self._tokens = {
                        "input": event.input,
                        "output": event.output,
                        "tokens_by": event.source,
                    }
                case Finish(index=0):
                    self._finish = event.reason
                case Snapshot():
                    refuse_snapshot("log")
                case End():
                    self._end(event)
                case _:
                    pass

    async def aclose(self) -> None:
        """Nothing to do: the logger is its owner's."""

    def _content(self, event: Delta | ToolDelta | Revise) -> None:
        if self._phases and self._phase != "content":
            self._phase = "content"
            self._log.info("answer_begin", **self._about)
        if self._shown is not None and event.index == 0 and not isinstance(event, ToolDelta):
            self._shown.take(event)

    def _end(self, end: End) -> None:
        report = self._log.info if end.outcome in ("complete", "cancelled") else self._log.warning
        failure = end.failure
        shown = {} if self._shown is None else {"text": str(self._shown)}
        report(
            "answer_end",
            **self._about,
            outcome=end.outcome,
            kind=failure.kind if failure else None,
            waiting_for=failure.phase if failure else None,
            status=failure.status if failure else None,
            finish=self._finish,
            **self._tokens,
            **_figures(end.stats),
            **shown,
        )


class _Beginning:
    """The first TEXT code points of a text that grows and may be revised, and its size."""

    def __init__(self) -> None:
        self._text = ""
        self._size = 0

    def take(self, event: Delta | Revise) -> None:
        if event.channel != "text":
            return
        if isinstance(event, Revise):
            self._size = min(self._size, event.keep)
            self._text = self._text[: event.keep]
        room = TEXT - self._size
        if room > 0:
            self._text += event.text[:room]
        self._size += len(event.text)

    def __str__(self) -> str:
        rest = self._size - len(self._text)
        return _one_line(self._text) + (f" [and {rest} more]" if rest else "")


def _figures(stats: Stats) -> dict[str, Any]:
    """The stream's figures under the names that `Stats` gives them, rounded to what can be read."""
    figures = {name: getattr(stats, name) for name in stats.__struct_fields__}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def _line(name: str | None) -> str | None:
    return None if name is None else _one_line(name[:_NAME])


def _one_line(text: str) -> str:
    return visible(text).translate(_BREAKS)
