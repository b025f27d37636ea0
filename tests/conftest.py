"""What all tests share: fixtures, and how hypothesis looks for examples."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "no clock", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("no clock")
"""A property holds or does not: how fast this machine found out just now is no part of it."""

collect_ignore = ["clients", "real"]
"""`make test-clients` and `make test-real` test with what they install first."""


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    """What a test configures for its logs ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops; a module whose subject runs on one alone says so in a fixture of this name."""
    name: str = request.param
    return name
