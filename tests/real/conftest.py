"""Fixtures of the tests against real servers: each server is started once, and all tests ask it.

Law of this file: what is chosen, started and ended. A server that could not be installed is skipped with
the reason; one that was installed and does not start is a failure.
"""

from collections.abc import Iterator

import pytest

from tests.real.installing import made, missing, versions
from tests.real.running import Running, running
from tests.real.servers import SERVERS, Made


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which servers: `--servers mlx,transformers`."""
    parser.addoption("--servers", default=",".join(SERVERS), help="which servers, with commas between")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What runs, with versions."""
    chosen = [SERVERS[name] for name in _names(config)]
    return [f"{one.name}: {missing(one) or versions(one)}" for one in chosen]


def _names(config: pytest.Config) -> list[str]:
    return str(config.getoption("servers")).split(",")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test for every chosen server."""
    if "served" in metafunc.fixturenames:
        metafunc.parametrize("served", _names(metafunc.config), indirect=True, scope="session")


@pytest.fixture(scope="session")
def model() -> Made:
    """The model on the disk."""
    return made()


@pytest.fixture(scope="session")
def served(request: pytest.FixtureRequest, model: Made) -> Iterator[Running]:
    """A server that runs."""
    server = SERVERS[request.param]
    reason = missing(server)
    if reason is not None:
        pytest.skip(f"{server.name}: {reason}")
    with running(server, model) as one:
        yield one


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp's client needs asyncio."""
    return "asyncio"
