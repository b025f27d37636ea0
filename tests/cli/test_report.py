"""One line on how a stream went."""

import pytest

from tokenweir.cli.report import failure_line, stats_line
from tokenweir.pipeline.events import Failure, Stats, Usage

STATS = Stats(duration=6.523, tokens_per_second=244.21, amplification=26.5)


@pytest.mark.parametrize(
    ("usage", "stats", "line"),
    [
        (Usage(19, 54), STATS, "Ctx: 19 tk | Gen: 54 tk | 244.2 tk/s | 6.52s | amplification 26.5x"),
        (
            Usage(19, 54, source="counted"),
            STATS,
            "Ctx: 19 tk | Gen: 54 tk | 244.2 tk/s | 6.52s | amplification 26.5x",
        ),
        (
            Usage(19, 54, source="estimated"),
            STATS,
            "Ctx: 19 tk | Gen: ~54 tk | ~244.2 tk/s | 6.52s | amplification 26.5x",
        ),
        (Usage(None, 54, source="estimated"), Stats(duration=1), "Gen: ~54 tk | 1.00s | amplification 1.0x"),
        (None, Stats(), "0.00s | amplification 1.0x"),
    ],
)
def test_stats(usage: Usage | None, stats: Stats, line: str) -> None:
    """What is known, in this order; what was only estimated is marked."""
    assert stats_line(usage, stats) == line


def test_a_failure_says_what_to_do() -> None:
    """Where that is known."""
    assert (
        failure_line(Failure("auth", "no key"))
        == "auth: no key (name the variable that holds the key with --api-key-env)"
    )
    assert failure_line(Failure("upstream", "HTTP 500: oh")) == "upstream: HTTP 500: oh"


def test_a_failure_is_one_harmless_line() -> None:
    """P28: the message is the backend's text."""
    assert failure_line(Failure("upstream", "a\n\n  b\x1b[2J")) == "upstream: a b\\x1b[2J"
