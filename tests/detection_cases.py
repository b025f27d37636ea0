"""Which streams are made of one text: every cut as deltas, and each cut's cumulative twin.

Law of this file: the plan of the evidence, shared by the figures and by the fast test. Twins and
ways of ending take turns, so that all combinations come up over some hundred texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.cutting import CUTS, REPEAT_CHARACTERS, REPEAT_DELTAS, TWINS, Chunks
from tests.decidable import why_not
from tests.detection import WRAPS, Outcome, is_right
from tests.natural import Sample, dice
from tokenweir.pipeline.events import Event

_TURNS = [name for name in WRAPS if name != "tool arguments"]
_REPEAT_TURNS = ["finished", "usage last", "usage always"]
"""A repeat of everything is told from text by the finish that follows at once: none of the others."""


class Case(NamedTuple):
    """One stream. `twin` is None for deltas; `open_because` says why a twin cannot be known."""

    sample: Sample
    cut: str
    twin: str | None
    wrap: str
    chunks: Chunks
    text: str
    open_because: str | None

    def events(self) -> list[Event]:
        """The stream, as a protocol decoder would make it."""
        return WRAPS[self.wrap](self.chunks, self.text)

    def is_right(self, outcome: Outcome) -> bool:
        """Whether this came out of it: deltas unaltered, or a twin repaired."""
        return is_right(outcome, self.text)

    def __str__(self) -> str:
        chunks = [
            chunk if len(chunk) <= 40 else f"{chunk[:36]}...({len(chunk)})" for chunk in self.chunks[:8]
        ]
        more = f" and {len(self.chunks) - 8} more" if len(self.chunks) > 8 else ""
        names = f"text {self.sample.number}, {self.sample.kind}, cut by {self.cut}, {self.wrap}"
        return f"[{names}, {self.twin or 'deltas'}] {chunks}{more}"


def cases(sample: Sample, seed: int = 0) -> Iterator[Case]:
    """The delta streams of a text, each followed by one cumulative twin of it."""
    for turn, (cut, make) in enumerate(CUTS.items(), sample.number):
        chunks = make(sample.text, dice(sample.number, seed, cut))
        wrap = "tool arguments" if sample.kind == "json" and turn % 2 else _TURNS[turn % len(_TURNS)]
        yield Case(sample, cut, None, wrap, chunks, sample.text, None)
        yield from _twin(Case(sample, cut, None, wrap, chunks, sample.text, None), turn * 3, seed)


def _twin(deltas: Case, turn: int, seed: int) -> Iterator[Case]:
    """The twin whose turn it is (the order of the turns differs from that of the wraps)."""
    name = list(TWINS)[(turn + deltas.sample.number) % len(TWINS)]
    chunks = TWINS[name](deltas.chunks, dice(deltas.sample.number, seed, name))
    text = deltas.text.rstrip() if name == "trimmed" else deltas.text
    if name != "final repeat":
        yield deltas._replace(twin=name, chunks=chunks, text=text, open_because=why_not(chunks))
    elif len(text) >= REPEAT_CHARACTERS and sum(map(bool, deltas.chunks)) >= REPEAT_DELTAS:
        wrap = deltas.wrap if deltas.wrap == "tool arguments" else _REPEAT_TURNS[turn % len(_REPEAT_TURNS)]
        yield deltas._replace(twin=name, chunks=chunks, wrap=wrap)
