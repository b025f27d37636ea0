"""A consumer that is cancelled, wherever it is, closes its upstream: over real sockets.

`python -m benchmarks.cancel_figures` measures how soon; here it is only held to happen before anything else
could make it happen.
"""

import asyncio
from typing import get_args

import pytest

from tests.leaving import PLACES, SOON, How, seconds_to_close, seconds_to_stop_connecting
from tests.servers import settle

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


@pytest.mark.parametrize("how", get_args(How))
@pytest.mark.parametrize("name", PLACES)
async def test_the_upstream_is_closed(name: str, how: How) -> None:
    """P10, D01: in every place, and by both kinds of cancellation; and no task is left."""
    before = asyncio.all_tasks()
    took = await seconds_to_close(PLACES[name], how)
    await settle()

    assert took < SOON
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("how", get_args(How))
async def test_connecting_ends(how: How) -> None:
    """P10: a peer that does not even accept is let go."""
    assert await seconds_to_stop_connecting(how) < SOON
