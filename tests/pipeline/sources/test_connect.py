"""A source by its name."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tokenweir import Source, connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.connect import SOURCES

OPTIONS: dict[str, dict[str, Any]] = {
    "openai-compatible": {"base_url": "http://localhost:1"},
    "replay": {"path": Path(__file__)},
}
"""What a provider cannot do without."""


@pytest.mark.parametrize("provider", SOURCES)
def test_every_provider(provider: str) -> None:
    """DESIGN 5: each name makes a source that calls itself so; nothing is asked of the network."""
    source = connect(provider, **OPTIONS.get(provider, {}))

    assert isinstance(source, Source)
    assert source.provider == provider


def test_the_table_is_true() -> None:
    """DESIGN 2: the entry-point form: a module, and a class in it; sorted, to be read."""
    for entry in SOURCES.values():
        module, _, name = entry.partition(":")
        assert issubclass(getattr(import_module(module), name), Source)
    assert list(SOURCES) == sorted(SOURCES)


def test_unknown_provider() -> None:
    """C03: refused, with the nearest name and all that there are."""
    with pytest.raises(
        MisuseError, match=r"no provider 'lmstudi'; did you mean 'lmstudio'\? There are: anthropic"
    ):
        connect("lmstudi")
    with pytest.raises(MisuseError, match=r"no provider '%%'\. There are: "):
        connect("%%")


def test_unknown_option() -> None:
    """C03: refused, by name."""
    with pytest.raises(MisuseError, match=r"connect\('mlx'\): got an unexpected keyword argument 'modle'"):
        connect("mlx", modle="x")
    with pytest.raises(
        MisuseError, match=r"connect\('replay'\): missing 1 required positional argument: 'path'"
    ):
        connect("replay")


def test_options_are_handed_on() -> None:
    """DESIGN 5: the address and everything else reach the source."""
    source: Any = connect("mlx", "http://host:1", model="m", mode="auto")

    assert (source.base_url, source.model, source.mode) == ("http://host:1/v1", "m", "auto")
