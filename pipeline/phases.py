"""What a stream has told of its waiting, and how that goes on.

Law of this file: values and rules of `Phase`, no waiting. Within a phase the progress never falls, and a
tick repeats what is known; what nobody has told is only elapsed time, and is never given as known.
"""

from math import inf

from msgspec.structs import replace

from tokenweir.pipeline.events import Phase, PhaseName


class Phases:
    """The phase that one stream is in. `told` is when a phase was last given out."""

    __slots__ = ("_detail", "_progress", "_started", "_why", "known", "name", "told")

    def __init__(self) -> None:
        self.name: PhaseName = "connecting"
        self.told: float = -inf
        self.known = False
        """Whether the backend itself has said which phase it is."""
        self._started = 0.0
        self._progress: float | None = None
        self._detail: str | None = None
        self._why: str | None = None

    def begin(self, now: float) -> None:
        """The first moment of the stream: elapsed times count from it."""
        self._started = self.told = now

    def hear(self, phase: Phase, now: float) -> Phase:
        """What the backend says in its answer, as it is told. A bare sign of life is a `prefill` without
        progress, and says nothing of what is being done."""
        self.told = now
        return self.learn(phase, known=phase.progress is not None or phase.name != "prefill")

    def learn(self, phase: Phase, *, known: bool = True) -> Phase:
        """What the backend says when it is asked: the next tick tells it."""
        if phase.name != self.name:
            self._progress = None
        self.name, self.known, self._detail = phase.name, known, phase.detail
        if phase.progress is None:
            return phase
        if self._progress is not None and phase.progress < self._progress:
            phase = replace(phase, progress=self._progress)
        self._progress = phase.progress
        return phase

    def say(self, name: PhaseName, now: float, detail: str | None = None, *, known: bool = False) -> Phase:
        """What is told now: that another phase has begun, and why."""
        if name != self.name:
            self._progress = None
        self.name, self.known, self.told, self._detail, self._why = name, known, now, None, detail
        return Phase(name, self._progress, detail, round(now - self._started, 3))

    def tick(self, name: PhaseName, now: float) -> Phase:
        """What is told while nothing comes: `name` is what is being waited for, at best guess."""
        if name != self.name:
            self.name, self.known, self._progress, self._detail = name, False, None, None
        self.told = now
        return Phase(name, self._progress, self._detail, round(now - self._started, 3))

    def waited_for(self, name: PhaseName) -> tuple[str, str]:
        """For the message of a deadline that passes in this phase: what was being waited for, and what can
        be done about it.

        >>> phases = Phases()
        >>> _ = phases.learn(Phase("loading", 0.25))
        >>> phases.waited_for("loading")[0]
        'the model to load (it was at 25 %)'
        """
        if name == "connecting":
            why = f" ({self._why})" if self._why and name == self.name else ""
            return f"a connection{why}", "Is the address right, and the server up?"
        if name != self.name or not self.known:
            return _GUESSED[name]
        what, hint = _KNOWN[name]
        at = f" (it was at {self._progress * 100:.0f} %)" if self._progress else ""
        return what + at, hint


_BEFOREHAND = "A model that was loaded beforehand answers at once."
_KNOWN = {
    "queued": ("its turn in the backend's queue", "The backend is busy."),
    "loading": ("the model to load", _BEFOREHAND),
    "prefill": ("the first token, while the prompt was read", "A shorter prompt is read sooner."),
}
_GUESSED = {
    "queued": ("the first token", "The backend may be busy."),
    "loading": ("the first token: the model may still be loading", _BEFOREHAND),
    "prefill": ("the first token: the prompt may be long, or the backend hangs", "Its own log may tell."),
}
