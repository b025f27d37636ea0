"""What a stream is doing, in a few words: "connecting", "loading model 12 s", "~48 tok/s".

Law of this file: pure; events and times in, words out. What a backend says in them is made harmless.
"""

from collections.abc import Sequence

from tokenweir.pipeline.events import Delta, Event, Phase, PhaseName, Revise, ToolDelta
from tokenweir.pipeline.visible import visible
from tokenweir.stages.token_count import BYTES_PER_TOKEN

_NAMES: dict[PhaseName, str] = {"loading": "loading model"}
_SOON = 1.0
"""Seconds before which a duration, or a rate, says nothing yet."""


class Progress:
    """The state of one stream that began at `started` (seconds, on whatever clock `now` is from).

    >>> progress = Progress(started=100.0)
    >>> progress.see([Phase("loading")], now=101.0)
    >>> progress.words(now=112.4)
    'loading model 12 s'
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._phase = Phase("connecting")
        self._doing: str | None = None
        self._began = started
        self._bytes = 0

    def see(self, batch: Sequence[Event], now: float) -> None:
        """Take the events of one read."""
        for event in batch:
            match event:
                case Phase():
                    self._phase = event
                case Delta(text=text, channel=channel) | Revise(text=text, channel=channel):
                    self._flow("thinking" if channel == "reasoning" else "", text, now)
                case ToolDelta(arguments=text):
                    self._flow("calling a tool", text, now)
                case _:
                    pass

    def _flow(self, doing: str, text: str, now: float) -> None:
        if self._doing is None:
            self._began = now
        self._doing = doing
        self._bytes += len(text.encode("utf-8", "replace"))

    def words(self, now: float) -> str:
        """What is being done. Tokens are estimated from the text's size, hence the `~`."""
        if self._doing is None:
            return self._waiting(now - self._started)
        flowing = now - self._began
        rate = f"~{self._bytes / BYTES_PER_TOKEN / flowing:.0f} tok/s" if flowing >= _SOON else ""
        return " ".join(filter(None, (self._doing, rate))) or "writing"

    def _waiting(self, seconds: float) -> str:
        phase = self._phase
        said = _NAMES.get(phase.name, phase.name)
        if phase.progress is not None:
            said += f" {phase.progress * 100:.0f} %"
        elif seconds >= _SOON:
            said += f" {seconds:.0f} s"
        return said if phase.detail is None else f"{said} ({visible(' '.join(phase.detail.split()))})"
