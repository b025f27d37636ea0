"""Fixtures of the tests with real clients: each client and each gateway is started once.

Law of this file: what is chosen, started and ended. A client that could not be installed is skipped with the
reason.
"""

from collections.abc import Iterator

import pytest

from tests.clients.asking import Asking, asking
from tests.clients.gateway_process import GatewayProcess, serving_simulated
from tests.clients.installing import CLIENTS, missing, version
from tests.clients.said import BACKENDS, BROKEN, SLOW

collect_ignore = ["programs"]
"""They are run, some in environments of their own, and never imported here."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which clients: `--clients curl,langchain`."""
    parser.addoption("--clients", default=",".join(CLIENTS), help="which clients, with commas between")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What runs, with versions."""
    chosen = [CLIENTS[name] for name in _names(config)]
    return [f"{one.name}: {missing(one) or version(one)}" for one in chosen]


def _names(config: pytest.Config) -> list[str]:
    return str(config.getoption("clients")).split(",")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test with every chosen client."""
    if "client" in metafunc.fixturenames:
        metafunc.parametrize("client", _names(metafunc.config), indirect=True, scope="session")


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> Iterator[Asking]:
    """A client that runs."""
    one = CLIENTS[request.param]
    reason = missing(one)
    if reason is not None:
        pytest.skip(f"{one.name}: {reason}")
    with asking(one) as running:
        yield running


@pytest.fixture(scope="session", params=["uvloop", "asyncio"])
def gateway(request: pytest.FixtureRequest) -> Iterator[GatewayProcess]:
    """A gateway in front of every kind of backend, on uvloop and without it."""
    with serving_simulated(
        {**BACKENDS, **BROKEN, **SLOW}, loop=request.param, limits={"max_tokens": 9999}
    ) as one:
        assert one.loop() == request.param
        yield one
