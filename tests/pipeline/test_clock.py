"""The one place that reads a clock."""

import asyncio
import time
from typing import Any

import anyio
import pytest

from tests.virtual import virtual
from tokenweir.pipeline.clock import running_clock, wall_time

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_it_is_the_loops_own() -> None:
    """T01, PITFALLS 0.26: virtual time moves it, and nothing else does."""
    clock = running_clock()
    began = clock()
    assert clock() == began == anyio.current_time()
    await anyio.sleep(300.0)

    assert clock() - began == pytest.approx(300.0)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_no_frame_on_asyncio() -> None:
    """DESIGN 9: a stream asks twice per read: nothing of Python's stands between it and the time."""
    clock = running_clock()

    assert not hasattr(clock, "__code__")
    assert clock() == pytest.approx(asyncio.get_running_loop().time(), abs=0.1)


def test_wall_time() -> None:
    """U18: for dates that a backend sends."""
    assert abs(wall_time() - time.time()) < 5  # noqa: TID251 - what it is compared with
