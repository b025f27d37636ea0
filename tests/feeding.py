"""How tests feed cores: everything at once, cut anywhere, one by one.

Law of this file: for tests alone; it knows what a stage is and nothing of any one stage.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from hypothesis import strategies as st

from tokenweir.pipeline.stage import Stage

Cuttable = TypeVar("Cuttable", bytes, list[Any])

CUTS = st.lists(st.integers(0, 300), max_size=10)
"""Places at which an input is cut into pieces; the same place twice gives an empty piece."""


def pieces(whole: Cuttable, cuts: Iterable[int]) -> Iterator[Cuttable]:
    """The pieces of bytes or of a list, in order."""
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    return (whole[begin:end] for begin, end in pairwise(edges))


def run(stage: Stage[Any, Any], batches: Iterable[Sequence[Any]]) -> list[Any]:
    """What a fresh core makes of the batches, and of the end. Raises the StageError of a broken one."""
    core = stage.core()
    out = [made for batch in batches for made in core.feed(batch)] + core.finish()
    if core.error is not None:
        raise core.error
    return out


def run_bytes(stage: Stage[Any, Any], body: bytes, cuts: Iterable[int] = ()) -> list[Any]:
    """What comes of bytes that arrive in pieces, one piece a read."""
    return run(stage, ([piece] for piece in pieces(body, cuts)))


def run_items(stage: Stage[Any, Any], items: Sequence[Any], cuts: Iterable[int] = ()) -> list[Any]:
    """What comes of items that arrive in batches."""
    return run(stage, pieces(list(items), cuts))
