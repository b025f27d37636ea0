"""Fixtures that all tests share."""

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops; a module whose subject runs on one alone says so in a fixture of this name."""
    name: str = request.param
    return name
