"""The source that starts its own backend."""

import pytest

from tokenweir import MisuseError, Phase, Pipeline, connect
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """What touches aiohttp runs on asyncio."""
    return "asyncio"


async def test_it_starts_at_the_first_request_and_ends_with_the_source() -> None:
    """The embedded default: nothing listens before it is asked, nor after it is closed."""
    source = SimulatorSource()
    before = list(source.exchanges)

    async with source:
        text = await Pipeline(source).text("Hello")
        outcomes = [exchange.outcome for exchange in source.exchanges]

    assert (before, text, outcomes) == ([], ABOUT.text, ["finished"])
    assert list(source.exchanges) == []


async def test_a_cumulative_cold_one_is_told_and_repaired() -> None:
    """P4, P15: loading is a phase, and each character comes once."""
    async with connect("simulator", cumulative=True, load_seconds=0.05, keep_alive=0.01) as source:
        events = [event async for event in Pipeline(source).stream("Hello")]
        report = await Pipeline(source).run("Hello")

    assert any(isinstance(event, Phase) and event.name == "loading" for event in events)
    assert report.text == ABOUT.text


async def test_its_text_is_a_switch() -> None:
    """What it says can be given."""
    async with connect("simulator", text="Short and sweet.") as source:
        assert await Pipeline(source).text("Hello") == "Short and sweet."


def test_an_unknown_switch_is_answered() -> None:
    """P21: a typing error names the switches that exist."""
    with pytest.raises(MisuseError, match=r"no switch 'cumulativ'; there are: .*cumulative, .*as_provider"):
        connect("simulator", cumulativ=True)
