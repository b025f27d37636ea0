"""The naive client shows what a backend sends, and makes no sense of it."""

import anyio
import pytest

from tests.cli.shell import backend
from tokenweir.cli.naive import naive_client
from tokenweir.simulator.text import FOUNDING

CUMULATIVE = "".join(FOUNDING.snapshot(number) for number in range(len(FOUNDING.tokens)))


@pytest.mark.parametrize(("cumulative", "shown"), [(True, CUMULATIVE), (False, FOUNDING.text)])
def test_it_prints_each_chunk(cumulative: bool, shown: str) -> None:  # noqa: FBT001 - a case of the table
    """The founding bug as its users saw it, and a backend with which even this client is right."""
    chunks: list[str] = []
    with backend(script=FOUNDING, cumulative=cumulative) as server:
        anyio.run(naive_client, f"{server.url}/v1", "Hi", chunks.append)

    assert "".join(chunks) == shown
    assert len(chunks) >= len(FOUNDING.tokens)


def test_an_answer_without_its_end_breaks_it() -> None:
    """That is why nobody should write it."""
    chunks: list[str] = []
    with backend(script=FOUNDING, fault="no-done") as server, pytest.raises(anyio.IncompleteRead):
        anyio.run(naive_client, f"{server.url}/v1", "Hi", chunks.append)

    assert "".join(chunks) == FOUNDING.text
