"""Waiting for a load, second by second."""

import anyio
import pytest

from tests.scripted import Attempt, scripted
from tests.virtual import virtual
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import DeadlineError, MisuseError
from tokenweir.pipeline.sources.asking import question
from tokenweir.pipeline.sources.loading import LoadPhases, Patience, check_options

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_a_cold_start_of_ninety_seconds() -> None:
    """P15: a phase every second, no deadline, and the end when it is loaded."""
    source, _ = scripted(Attempt(200, 89.5, b"{}"))

    async with question(source, "/load", {}) as asked:
        elapsed = [phase.elapsed async for phase in LoadPhases(asked)]

    assert elapsed == [float(second) for second in range(90)]


async def test_it_can_be_left() -> None:
    """Without being closed."""
    source, _ = scripted(Attempt(200, 90.0))

    async with question(source, "/load", {}) as asked:
        async for phase in LoadPhases(asked):
            assert phase.name == "loading"
            break


async def test_patience_has_an_end() -> None:
    """Where a load is several questions, their sum counts; None is for ever."""
    source, _ = scripted(Attempt(200), deadlines=Deadlines(first_token=2.0))
    endless, _ = scripted(Attempt(200), deadlines=Deadlines(first_token=None))
    patience, forever = Patience(source, "m"), Patience(endless, "m")
    patience.check()
    await anyio.sleep(2.0)

    forever.check()
    with pytest.raises(DeadlineError, match="waited 2 s for m to load"):
        patience.check()


def test_options_are_checked_by_name() -> None:
    """The message names those that there are."""
    check_options("lmstudio", {"a": 1}, ("a", "b"))
    with pytest.raises(MisuseError, match="lmstudio has no load option 'c'; there are: a, b"):
        check_options("lmstudio", {"a": 1, "c": 2}, ("a", "b"))
