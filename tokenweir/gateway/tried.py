"""Which backends were asked for one answer, one after the other, and why each was given up.

Law of this file: names of backends and what a stream tells of them, and never an address (PROMISES P24). A
stream that goes on to the next backend says so in a phase, with the reason: that is read here, and nowhere
else. What it says of a last failure becomes what all of them have failed at.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tokenweir.gateway.setup import Served
from tokenweir.pipeline.events import End, Event, Failure, Phase
from tokenweir.pipeline.sources.base import Source

_LONGEST_REASON = 200
"""Characters of each backend's reason, where there are several."""


class Tried:
    """Those that one answer may ask, in their order. `sources` are what each is asked through."""

    def __init__(self, backends: Sequence[Served], sources: Sequence[Source]) -> None:
        self._backends = backends
        self._providers = [source.provider for source in sources]
        self._reasons: list[str] = []

    @property
    def names(self) -> list[str]:
        """Of those that were asked so far: the last one answers, or has failed too."""
        return [served.name for served in self._backends[: len(self._reasons) + 1]]

    def look(self, batch: list[Event]) -> None:
        """Take note of who was given up: of every batch until the first token."""
        for event in batch:
            if isinstance(event, Phase):
                self._heed(event)

    def tell(self, batch: list[Event]) -> None:
        """Take the addresses out of what a client is told, in place: of each phase, and of an end's failure,
        which has each backend's reason after several."""
        for at, event in enumerate(batch):
            if isinstance(event, Phase) and event.detail is not None:
                batch[at] = replace(event, detail=self._without_address(event.detail))
            elif isinstance(event, End) and event.failure is not None:
                batch[at] = replace(event, failure=self._told(event.failure))

    def _heed(self, phase: Phase) -> None:
        at = len(self._reasons)
        if at + 1 < len(self._backends):
            gone, following = self._providers[at : at + 2]
            opening = f"{following}, since {gone} failed: "
            if phase.detail is not None and phase.detail.startswith(opening):
                self._reasons.append(phase.detail.removeprefix(opening))

    def _told(self, failure: Failure) -> Failure:
        if not self._reasons:
            return self._unnamed(failure)
        reasons = [*self._reasons, failure.message]
        lines = [self._line(name, reason) for name, reason in zip(self.names, reasons, strict=True)]
        return replace(failure, message="\n".join(["each backend that was asked has failed", *lines]))

    def _line(self, name: str, reason: str) -> str:
        told = self._without_address(reason).partition("\n")[0]
        return f"{name}: {told if len(told) <= _LONGEST_REASON else told[:_LONGEST_REASON] + '...'}"

    def _without_address(self, text: str) -> str:
        return self._unnamed(Failure("upstream", text)).message

    def _unnamed(self, failure: Failure) -> Failure:
        for served in self._backends:
            failure = served.unnamed(failure)
        return failure
