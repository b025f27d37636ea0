"""The life of the simulated models: who is loaded, and what is told while one loads.

Law of this file: pure; time is an argument (seconds of one monotonic clock), so a cold start of 90
seconds costs a test nothing. A load goes on though the request that began it is gone.
"""

from collections.abc import Iterator

from tokenweir.pipeline.events import Phase
from tokenweir.simulator.answer import Step
from tokenweir.simulator.quirks import Quirks


class Loads:
    """When each model is, or will be, loaded."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ready: dict[str, float] = {}

    def begin(self, model: str, now: float) -> float:
        """Load the model if nobody has; the seconds that are left until it is loaded."""
        ready = self._ready.setdefault(model, now + self._seconds)
        return min(max(0.0, ready - now), self._seconds)  # now + seconds - now may be a little more

    def loading(self, now: float) -> bool:
        """Whether any model is being loaded."""
        return any(ready > now for ready in self._ready.values())

    def is_loaded(self, model: str, now: float) -> bool:
        """Whether the model is loaded."""
        return model in self._ready and self._ready[model] <= now

    def unload(self, model: str | None = None) -> None:
        """Forget one model, or all: the next request for it loads it again."""
        if model is None:
            self._ready.clear()
        else:
            self._ready.pop(model, None)


def waiting(quirks: Quirks, left: float) -> Iterator[Step]:
    """The phases that are told while a model loads for `left` more seconds and then prefills.

    Nothing without `keep_alive`. The progress is that of the load, not of the request: who comes
    later begins further on.
    """
    if quirks.keep_alive is None:
        return
    total = quirks.load_seconds
    for at in _every(quirks.keep_alive, left):
        yield Step(at, Phase("loading", (total - left + at) / total))
    for at in _every(quirks.keep_alive, quirks.prefill_seconds):
        yield Step(left + at, Phase("prefill", at / quirks.prefill_seconds))


def _every(seconds: float, until: float) -> Iterator[float]:
    count = 0
    while count * seconds < until:
        yield count * seconds
        count += 1
