"""What a sink is."""

from collections.abc import Callable

import pytest

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, Snapshot
from tokenweir.pipeline.sink import Sink, refuse_snapshot
from tokenweir.sinks import callback, memory, stdout

pytestmark = pytest.mark.anyio

SINKS: dict[str, Callable[[], Sink]] = {
    "callback": lambda: callback(repr),
    "memory": memory,
    "stdout": stdout,
}


def test_refusal_names_the_missing_stage() -> None:
    """A Snapshot at a sink is a pipeline put together wrongly: the message says what is missing."""
    with pytest.raises(StageError, match=r"^jsonl got a Snapshot.*put delta_extract\(\)"):
        refuse_snapshot("jsonl")


@pytest.mark.parametrize("name", SINKS)
async def test_every_sink_refuses_snapshots(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A Snapshot is answered with a StageError that names the sink and the missing stage."""
    sink = SINKS[name]()

    with pytest.raises(StageError, match=r"got a Snapshot.*delta_extract"):
        await sink.send([Delta("a"), Snapshot("ab"), Delta("c")])
    assert capsys.readouterr().out == ("a" if name == "stdout" else "")


@pytest.mark.parametrize("name", SINKS)
async def test_close_twice(name: str) -> None:
    """D09: closing again is no fault, whoever does it."""
    sink = SINKS[name]()
    await sink.aclose()

    assert await sink.aclose() is None  # type: ignore[func-returns-value]  # that nothing is raised is the point
