"""Figures as the Messages API tells them."""

from tokenweir.pipeline.events import Usage
from tokenweir.pipeline.protocols.anthropic_usage import delta_usage, start_usage
from tokenweir.pipeline.protocols.usage import read_usage

FULL = Usage(9, 42, reasoning=7, cached=3)


def test_both_figures_are_always_there_at_the_start() -> None:
    """PROTOCOLS 6: typed clients demand them; nothing has been said yet."""
    assert start_usage(Usage()) == {"input_tokens": 0, "output_tokens": 0}
    assert start_usage(FULL) == {"input_tokens": 9, "output_tokens": 0, "cache_read_input_tokens": 3}


def test_an_unknown_input_revises_nothing() -> None:
    """Only the output is demanded at the end."""
    assert delta_usage(Usage()) == {"output_tokens": 0}
    assert delta_usage(Usage(output=5, total=9)) == {"output_tokens": 5}


def test_there_and_back() -> None:
    """What is written is read again as what it was."""
    assert read_usage(delta_usage(FULL), None) == FULL
