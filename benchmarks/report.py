"""The report: what was measured beside what is asked of it.

Law of this file: text from figures, no measuring. The bounds are those of the project's design: what
is required, and what it aims at, as multiples of the floor (at most) and of openai-python (at least).
"""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import NamedTuple

from benchmarks.bodies import Workload
from benchmarks.measure import Figures, ratio
from benchmarks.peers import FLOOR, OPENAI, TOKENWEIR


class Bounds(NamedTuple):
    """Required and aimed at: times the floor (at most), times less than openai-python (at least)."""

    floor: float
    floor_aim: float
    openai: float | None = None
    openai_aim: float | None = None


BOUNDS: Mapping[str, Bounds] = {
    "W1": Bounds(3.0, 2.0, 30.0, 50.0),
    "W3": Bounds(5.0, 2.5, 8.0, 25.0),
    "W4": Bounds(1.7, 1.4),
    "paced": Bounds(1.25, 1.12),
    "paced-uvloop": Bounds(1.7, 1.4),
}


def table(work: Workload, figures: Figures) -> Iterator[str]:
    """One workload: a row for each reader."""
    yield f"{'µs CPU per event':<34}{'median':>10}{'least':>10}{'most':>10}{'x floor':>10}{'openai / it':>13}"
    for name, seconds in figures.items():
        spread = "".join(f"{value * 1e6:>10.2f}" for value in (median(seconds), min(seconds), max(seconds)))
        less = f"{ratio(figures, OPENAI, name):>13.1f}" if OPENAI in figures else ""
        yield f"{name:<34}{spread}{ratio(figures, name, FLOOR):>10.2f}{less}"
    yield from _verdicts(work, figures)


def _verdicts(work: Workload, figures: Figures) -> Iterator[str]:
    bounds = BOUNDS.get(work.name)
    if bounds is None:
        return
    cost = ratio(figures, TOKENWEIR, FLOOR)
    yield f"{TOKENWEIR}: {cost:.2f} x floor; " + _verdict(cost, bounds.floor, bounds.floor_aim)
    if bounds.openai is not None and bounds.openai_aim is not None and OPENAI in figures:
        less = ratio(figures, OPENAI, TOKENWEIR)
        yield f"{TOKENWEIR}: {less:.1f} x less than {OPENAI}; " + _verdict(
            -less, -bounds.openai, -bounds.openai_aim
        )


def _verdict(value: float, required: float, aim: float) -> str:
    """Less is better; bounds that ask for more are negative."""
    asked, met = f"required {abs(required):g}: ", "met" if value <= required else "NOT met"
    return f"{asked}{met}, aim {abs(aim):g}: {'met' if value <= aim else 'not met'}"
