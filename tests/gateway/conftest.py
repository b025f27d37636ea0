"""What the gateway's tests share: it runs on asyncio, as aiohttp does."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """asyncio alone."""
    return "asyncio"
