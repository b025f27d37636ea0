"""jsonl writes every event as a line with its time, and never holds the event loop."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.sinks.disks import SlowDisk, full_disk
from tests.transcripts import HELLO
from tokenweir import Pipeline
from tokenweir.pipeline import clock
from tokenweir.pipeline.errors import MisuseError, SinkError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Snapshot
from tokenweir.sinks import jsonl
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

MODULE = importlib.import_module("tokenweir.sinks.jsonl")
BATCH: list[Event] = [Delta("a\n"), Delta("b"), Finish("stop")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to stand."""
    return tmp_path / "answers.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    """What stands in the file."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def files(path: Path) -> list[str]:
    """What stands in its folder."""
    return sorted(found.name for found in path.parent.iterdir())


async def test_a_line_per_event(path: Path) -> None:
    """P1: each event, with the time of its batch in Unix seconds, and whose stream it belongs to."""
    before = clock.wall_time()
    sink = jsonl(path)
    await sink.send(BATCH)
    await sink.send([End("complete")])
    await sink.aclose()
    await sink.aclose()
    after = clock.wall_time()
    found = lines(path)

    assert [line["type"] for line in found] == ["delta", "delta", "finish", "end"]
    assert [line.get("text") for line in found[:2]] == ["a\n", "b"]
    assert before - 0.001 <= found[0]["time"] == found[2]["time"] <= found[3]["time"] <= after + 0.001
    assert len({line["stream"] for line in found}) == 1


async def test_the_wall_clock_may_jump(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T01: it is read once; from there on time moves as the event loop's does."""
    walls = iter([1000.0, 0.0])
    monkeypatch.setattr(MODULE, "wall_time", lambda: next(walls))
    sink = jsonl(path)
    await sink.send(BATCH[:1])
    await sink.send(BATCH[:1])
    await sink.aclose()
    times = [line["time"] for line in lines(path)]

    assert 1000.0 <= times[0] <= times[1] < 1001.0


async def test_a_run(path: Path) -> None:
    """P1: what a pipeline delivers stands in the file, and the run closes it."""
    sink = jsonl(path)
    report = await Pipeline(ScriptedSource([HELLO])).run("hi", into=sink)

    assert "".join(line["text"] for line in lines(path) if line["type"] == "delta") == report.text
    assert lines(path)[-1]["outcome"] == "complete"
    with pytest.raises(MisuseError, match="one for each stream"):
        await sink.send(BATCH)


async def test_streams_that_share_a_file(path: Path) -> None:
    """Several streams at once into one path, rotated: every line is there, and says whose it is."""
    async with anyio.create_task_group() as tasks:

        async def stream(number: int) -> None:
            sink = jsonl(path, rotate_bytes=2000, keep=50)
            for part in range(10):
                await sink.send([Delta(f"{number}.{part}")])
            await sink.aclose()

        for number in range(5):
            tasks.start_soon(stream, number)
    found = [line for file in path.parent.iterdir() for line in lines(file)]
    texts: dict[str, list[str]] = {}
    for line in found:
        texts.setdefault(line["stream"], []).append(line["text"])

    assert len(list(path.parent.iterdir())) > 2
    assert sorted(sorted(parts) for parts in texts.values()) == [
        sorted(f"{number}.{part}" for part in range(10)) for number in range(5)
    ]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    """A slow disk; what is stuck in it at the end of the test is let go."""
    slow = SlowDisk(monkeypatch)
    yield slow
    slow.go.set()


async def test_the_event_loop_is_never_held(path: Path, disk: SlowDisk) -> None:
    """X03, D06: while the disk hangs, everything else goes on; `send` waits, which is the back-pressure."""
    log: list[str] = []
    sink = jsonl(path)
    async with anyio.create_task_group() as tasks:

        async def send() -> None:
            await sink.send(BATCH)
            log.append("sent")

        tasks.start_soon(send)
        for _ in range(100):
            await checkpoint()
        log.append("a hundred turns of the loop")
        disk.go.set()
    await sink.aclose()

    assert log == ["a hundred turns of the loop", "sent"]


async def test_cancelled_while_the_disk_hangs(path: Path, disk: SlowDisk) -> None:
    """P1, P10: a cancelled `send` comes back at once and loses nothing: what follows is written after it."""
    sink = jsonl(path)
    for text in ("a", "b"):
        with anyio.move_on_after(0.01) as scope:
            await sink.send([Delta(text)])
        assert scope.cancelled_caught
    disk.go.set()
    await sink.send([End("cancelled")])
    await sink.aclose()

    assert [line.get("text") for line in lines(path)] == ["a", "b", None]


async def test_closing_writes_what_is_left(path: Path, disk: SlowDisk) -> None:
    """Nothing is lost at `aclose`, also where the one who closes is being cancelled."""
    sink = jsonl(path)
    with anyio.CancelScope() as scope:
        try:
            async with anyio.create_task_group() as tasks:

                async def stop() -> None:
                    await anyio.to_thread.run_sync(disk.asked.wait)
                    scope.cancel()

                tasks.start_soon(stop)
                await sink.send(BATCH)
        finally:
            disk.go.set()
            await sink.aclose()

    assert len(lines(path)) == len(BATCH)


async def test_a_disk_that_never_comes_back(
    path: Path, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X03: closing gives the disk its time, and then says that something was left."""
    monkeypatch.setattr(MODULE, "CLOSING", 0.05)
    sink = jsonl(path)
    with anyio.move_on_after(0.01):
        await sink.send(BATCH)
    with pytest.raises(SinkError) as late:
        await sink.aclose()

    assert (late.value.failure.kind, late.value.failure.phase) == ("timeout", "write")
    disk.go.set()


async def test_a_full_disk_is_a_failure(path: Path) -> None:
    """X03: no hang and no half line: the disk's refusal comes out, again at each further batch."""
    sink = jsonl(path)
    await sink.send(BATCH)
    with full_disk(len(json.dumps(lines(path))) + 9), pytest.raises(OSError, match="File too large"):
        await sink.send([Delta("x" * 100)])
    with pytest.raises(OSError, match="File too large"):
        await sink.send([Delta("no hole before this")])
    await sink.aclose()

    assert [line["type"] for line in lines(path)] == ["delta", "delta", "finish"]


async def test_nothing_sent_makes_no_file(path: Path) -> None:
    """It opens with the first event, and not before."""
    await jsonl(path).aclose()

    assert files(path) == []


@pytest.mark.parametrize("options", [{"rotate_bytes": 0}, {"keep": 0}])
def test_limits_that_are_none(path: Path, options: dict[str, int]) -> None:
    """A limit that cannot be kept is refused when the sink is made."""
    with pytest.raises(MisuseError, match=next(iter(options))):
        jsonl(path, **options)


async def test_a_snapshot_is_refused(path: Path) -> None:
    """A Snapshot names the missing stage, and no line is written for it."""
    sink = jsonl(path, rotate_bytes=None)
    with pytest.raises(StageError, match="jsonl got a Snapshot"):
        await sink.send([Snapshot("ab")])
    await sink.aclose()

    assert files(path) == []
