"""The figures of a stream."""

# A test may look inside.
# pyright: reportPrivateUsage=false

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tokenweir import Delta, Event, Extra, Phase, Revise, Start, ToolDelta, Usage
from tokenweir.pipeline.events import Done, Failure, Finish
from tokenweir.pipeline.meter import Meter


def test_nothing() -> None:
    """A stream without anything has figures too."""
    stats = Meter(10.0).stats(12.5, {})

    assert (stats.duration, stats.attempts, stats.amplification, stats.characters) == (2.5, 1, 1.0, 0)
    assert (stats.first_byte, stats.first_token, stats.gap_p50, stats.gap_p99, stats.gap_max) == (None,) * 5
    assert stats.tokens_per_second is None


@pytest.mark.parametrize(
    ("event", "content"),
    [
        (Start("a"), False),
        (Phase("loading"), False),
        (Delta("héllo"), True),
        (Delta("", "reasoning"), True),
        (ToolDelta(0, "c"), True),
        (Revise(0, "x"), True),
        (Usage(1), False),
        (Finish("stop"), False),
    ],
)
def test_what_counts_as_content(event: Event, content: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """P6: from the first content on there is no other attempt."""
    meter = Meter(0.0)

    assert meter.count([event], 1.0) is content
    assert (meter.stats(2.0, {}).first_token is not None) is content


def test_counts() -> None:
    """Each figure counts what its name says."""
    meter = Meter(100.0)
    meter.read(10, 101.0)
    meter.count([Start("a"), Delta("ab"), Delta("c", "reasoning")], 102.0)
    meter.read(20, 103.0)
    done = Done(Failure("upstream", "x"))
    meter.count([Revise(0, "xyz"), ToolDelta(0), Usage(output=5), done], 104.0)
    stats = meter.stats(
        110.0, {"chunks": 4, "keep_alives": 2, "sent_bytes": 30, "resent_bytes": 10, "new_bytes": 20}
    )

    assert (stats.first_byte, stats.first_token, stats.duration) == (1.0, 2.0, 10.0)
    assert (stats.wire_bytes, stats.characters, stats.revisions) == (30, 3, 1)
    assert (stats.chunks, stats.keep_alives, stats.amplification) == (4, 2, 2.0)
    assert stats.gap_max == 2.0
    assert stats.tokens_per_second == 2.0
    assert meter.done == done


@pytest.mark.parametrize(
    ("output", "span", "rate"),
    [(None, 2.0, None), (0, 2.0, None), (1, 2.0, None), (11, 2.0, 5.0), (11, 0.0, None)],
)
def test_rate(output: int | None, span: float, rate: float | None) -> None:
    """Tokens a second between the first and the last: waiting for the first is left out."""
    meter = Meter(0.0)
    meter.count([Delta("a")], 50.0)
    meter.count([Delta("b"), Usage(output=output)], 50.0 + span)

    assert meter.stats(99.0, {}).tokens_per_second == rate


@given(st.lists(st.floats(1e-5, 1e4), min_size=1, max_size=300))
def test_percentiles(gaps: list[float]) -> None:
    """The histogram is right within its buckets, a tenth of an octave, for gaps from 10 µs to hours."""
    meter, now = Meter(0.0), 0.0
    meter.count([Delta("a")], now)
    told: list[float] = []
    for gap in gaps:
        told.append((now + gap) - now)
        now += gap
        meter.count([Delta("a")], now)
    stats = meter.stats(now, {})
    ordered = sorted(told)
    median = statistics.median_low(ordered)

    assert stats.gap_max == ordered[-1]
    assert stats.gap_p50 is not None
    assert stats.gap_p99 is not None
    assert stats.gap_p50 == pytest.approx(median, rel=0.036)
    assert ordered[-1] >= stats.gap_p99 >= stats.gap_p50 * 0.999


def test_gaps_of_nothing() -> None:
    """Two reads in the same instant have a gap of zero."""
    meter = Meter(0.0)
    for _ in range(3):
        meter.count([Delta("a")], 1.0)
    stats = meter.stats(2.0, {})

    assert (stats.gap_p50, stats.gap_p99, stats.gap_max) == (0.0, 0.0, 0.0)


def test_memory_does_not_grow() -> None:
    """P8: a long stream is counted in a handful of buckets."""
    meter = Meter(0.0)
    for number in range(100_000):
        meter.count([Delta("a")], number * 0.02 + (number % 7) * 0.001)

    assert len(meter._gaps) < 20


def test_extras_are_no_content() -> None:
    """What nobody interprets does not stop the clock of the first token."""
    assert Meter(0.0).count([Extra("logprobs", Raw(b"[]"))], 1.0) is False
