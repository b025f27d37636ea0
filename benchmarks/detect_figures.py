"""The figures of the cumulative detector: how often `auto` errs, holds, and repairs.

    python -m benchmarks.detect_figures [--texts 10000] [--seed 0]

Makes that many natural texts (tests/natural.py), cuts each in a dozen ways, and sends them through
`cumulative_detect("auto") | delta_extract()`, once as deltas (not one may be altered) and once as
their cumulative twins (all that are decidable must be repaired, tests/decidable.py says which; in
mode `cumulative` all of them). The exit code is 1 where that does not hold.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.cutting import CUTS, TWINS
from tests.decidable import BITS, GROWTHS, PATIENCE_CHUNKS, REASONS
from tests.detection import run, run_at_once
from tests.detection_cases import Case, cases
from tests.natural import KINDS, sample

SHOWN = 10
"""Failing examples that are printed of each sort."""
_BATCH = 100


class Part(NamedTuple):
    """What one batch of texts counted; figures are sums, peaks are largest values."""

    figures: Counter[tuple[str, ...]]
    peaks: dict[tuple[str, ...], int]
    failures: list[tuple[str, str]]


def count(first: int, last: int, seed: int) -> Part:
    """Texts `first` to `last` (not included) through the stages."""
    part = Part(Counter(), {}, [])
    for number in range(first, last):
        for case in cases(sample(number, seed), seed):
            if case.twin is None:
                _count_deltas(case, part)
            else:
                _count_twin(case, part)
    return part


def _count_deltas(case: Case, part: Part) -> None:
    outcome = run(case.events())
    altered = not case.is_right(outcome)
    if altered:
        part.failures.append(("altered deltas", f"{case} gave {_shown(outcome.texts)}"))
    for group in (("all", ""), ("cut", case.cut), ("kind", case.sample.kind)):
        part.figures["streams", *group] += 1
        part.figures["chunks", *group] += outcome.figures.chunks
        part.figures["held", *group] += outcome.figures.held
        part.figures["holding", *group] += outcome.figures.held > 0
        part.figures["altered", *group] += altered
        for name, value in (("longest", outcome.figures.longest), ("most", outcome.figures.waiting)):
            part.peaks[name, *group] = max(part.peaks.get((name, *group), 0), value)


def _count_twin(case: Case, part: Part) -> None:
    outcome = run(case.events())
    repaired = case.is_right(outcome)
    if not repaired and case.open_because is None:
        part.failures.append(("unrepaired twin", f"{case} gave {_shown(outcome.texts)}"))
    declared = case.twin == "final repeat" or case.is_right(run_at_once(case.events(), "cumulative"))
    if not declared:
        part.failures.append(("unrepaired in mode cumulative", str(case)))
    for group in (("all", ""), ("cut", case.cut), ("kind", case.sample.kind), ("twin", case.twin or "")):
        part.figures["twins", *group] += 1
        part.figures["declared", *group] += declared
        part.figures[("repaired" if repaired else "unrepaired") + f" {case.open_because}", *group] += 1


def _shown(texts: dict[str, str]) -> str:
    return repr({channel: text[:80] for channel, text in texts.items()})


def merged(parts: Iterable[Part]) -> Part:
    """All batches as one."""
    whole = Part(Counter(), {}, [])
    for part in parts:
        whole.figures.update(part.figures)
        whole.failures.extend(part.failures)
        for name, value in part.peaks.items():
            whole.peaks[name] = max(whole.peaks.get(name, 0), value)
    return whole


def report(whole: Part) -> Iterator[str]:
    """The tables, line by line."""
    yield from _delta_table(whole)
    yield ""
    yield from _twin_table(whole)
    for sort in sorted({sort for sort, _ in whole.failures}):
        found = [text for its_sort, text in whole.failures if its_sort == sort]
        yield f"\n{sort}: {len(found)}; the first ones:"
        yield from (f"  {text}" for text in found[:SHOWN])


def _delta_table(whole: Part) -> Iterator[str]:
    yield "Delta streams through auto. Held: fed alone, the chunk gave no text at once."
    heads = (
        "streams",
        "chunks",
        "held",
        "held %",
        "holding",
        "holding %",
        "most chunks",
        "most chars",
        "altered",
    )
    yield " " * 26 + "".join(f"{head:>12}" for head in heads)
    holding = [kind for kind in KINDS if whole.figures["held", "kind", kind]]
    for group in _groups("cut", CUTS) + _groups("kind", holding)[1:]:
        yield _delta_row(whole, group)
    yield f"kinds of text of which no chunk was ever held: {len(KINDS) - len(holding)} of {len(KINDS)}"


def _groups(sort: str, names: Iterable[str]) -> list[tuple[str, ...]]:
    return [("all", ""), *((sort, name) for name in names)]


def _delta_row(whole: Part, group: tuple[str, ...]) -> str:
    streams, chunks, held, holding, altered = (
        whole.figures[name, *group] for name in ("streams", "chunks", "held", "holding", "altered")
    )
    longest, most = whole.peaks.get(("longest", *group), 0), whole.peaks.get(("most", *group), 0)
    shares = f"{100 * held / max(chunks, 1):>12.4f}{holding:>12,}{100 * holding / max(streams, 1):>12.3f}"
    name = " ".join(group)
    return f"{name:<26}{streams:>12,}{chunks:>12,}{held:>12,}{shares}{longest:>12,}{most:>12,}{altered:>12,}"


def _twin_table(whole: Part) -> Iterator[str]:
    yield "Cumulative twins through auto, and through cumulative (the last column)."
    yield f"Decidable: grew {GROWTHS} times or more within {PATIENCE_CHUNKS} chunks, and sent {BITS:.0f} bits"
    yield "or more again that are no refrain. The others by what they lack, as repaired/all: either reading"
    yield "would be right, and auto reads deltas where it is in doubt."
    heads = ("twins", "decidable", "repaired", *REASONS, "cumulative")
    yield " " * 26 + "".join(f"{head:>12}" for head in heads)
    failing = [kind for kind in KINDS if whole.figures["unrepaired None", "kind", kind]]
    for group in _groups("twin", TWINS) + _groups("cut", CUTS)[1:] + _groups("kind", failing)[1:]:
        known, unknown = (whole.figures[f"{word} None", *group] for word in ("repaired", "unrepaired"))
        cells = "".join(f"{_share(whole, reason, group):>12}" for reason in REASONS)
        twins, declared = whole.figures["twins", *group], whole.figures["declared", *group]
        name = " ".join(group)
        yield f"{name:<26}{twins:>12,}{known + unknown:>12,}{known:>12,}{cells}{declared:>12,}"
    yield f"kinds of text without an unrepaired decidable twin: {len(KINDS) - len(failing)} of {len(KINDS)}"


def _share(whole: Part, reason: str, group: tuple[str, ...]) -> str:
    repaired, lost = (whole.figures[f"{word} {reason}", *group] for word in ("repaired", "unrepaired"))
    return f"{repaired:,}/{repaired + lost:,}"


def main() -> int:
    """Count on all cores, print, and say whether it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=10_000, help="how many texts (default 10,000)")
    parser.add_argument("--seed", type=int, default=0, help="which texts (default 0)")
    asked = parser.parse_args()
    began = time.perf_counter()
    jobs = [(at, min(at + _BATCH, asked.texts), asked.seed) for at in range(0, asked.texts, _BATCH)]
    with multiprocessing.get_context("spawn").Pool(min(os.cpu_count() or 1, 8)) as pool:
        whole = merged(pool.starmap(count, jobs, chunksize=1))
    took = time.perf_counter() - began
    sys.stdout.write(f"{asked.texts:,} natural texts, seed {asked.seed}, {took:.0f} s\n\n")
    sys.stdout.writelines(line + "\n" for line in report(whole))
    return 1 if whole.failures else 0


if __name__ == "__main__":
    sys.exit(main())
