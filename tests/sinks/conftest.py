"""A terminal for the sinks to write to."""

from collections.abc import Iterator

import pytest

from tests.emulator import pseudo_terminal


@pytest.fixture(scope="module")
def program() -> Iterator[int]:
    """The end of a real pseudo-terminal that programs write to."""
    with pseudo_terminal() as (_, fd):
        yield fd


@pytest.fixture
def steering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that obeys control sequences."""
    monkeypatch.setenv("TERM", "xterm")
