"""Which backends may stand together."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from tokenweir import Pipeline, connect, fallback, first_token_wins
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.choice import Choice

MAKERS = [fallback, first_token_wins]


@pytest.mark.parametrize("make", MAKERS)
def test_at_least_two(make: Callable[..., Choice]) -> None:
    """One backend is no choice, and none is none."""
    with pytest.raises(MisuseError, match="needs at least two sources"):
        make(connect("lmstudio"))


@pytest.mark.parametrize("make", MAKERS)
def test_sources_alone(make: Callable[..., Choice]) -> None:
    """A name is no source: it says what is."""
    with pytest.raises(MisuseError, match=r"takes sources, such as connect\('lmstudio'\)"):
        make(connect("lmstudio"), cast("Any", "ollama"))


def test_a_pipeline_names_them_all() -> None:
    """In the order in which they are asked."""
    assert repr(Pipeline(fallback(connect("mlx"), connect("lmstudio")))).startswith(
        "<Pipeline mlx, lmstudio |"
    )
