"""The benchmarks run, and measure only readers that got everything.

Law of this file: no time is looked at. What a benchmark says is worth something only if every reader
does the same work, so that is what is tested.
"""

import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks import bodies, memory
from benchmarks.__main__ import FULL, QUICK
from benchmarks.bodies import Workload
from benchmarks.measure import Expected, WrongAnswerError, measure, ratio
from benchmarks.peers import FLOOR, OPENAI, PEERS, TOKENWEIR, Ask
from benchmarks.report import BOUNDS, table
from benchmarks.server import serving

ROOT = Path(__file__).parents[1]


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp and openai-python run here."""
    return "asyncio"


def test_quick_measures_everything() -> None:
    """`make bench` in small: each workload gives a figure for each reader."""
    run = [sys.executable, "-m", "benchmarks", "--quick", "--only", ",".join([*QUICK, "stages"])]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stderr
    sections = dict(
        re.findall(r"^(\S+)(?::.*)?\n((?:.+\n)+)", done.stdout.partition("\n\n")[2] + "\n", re.MULTILINE)
    )
    assert list(sections) == ["W1", "W3", "W4", "paced", "paced-uvloop", "stages"]
    for name in QUICK:
        if "uvloop is not installed" not in sections[name]:
            assert [reader for reader in PEERS if reader not in sections[name]] == []
    assert "the whole stream" in sections["stages"]


def test_the_gateway_is_measured_whole() -> None:
    """Every answer was whole, through the pass-through and the gateway; what it cost is not judged here."""
    run = [sys.executable, "-m", "benchmarks", "--quick", "--only", "gateway"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stderr
    assert "were not whole" not in done.stdout
    assert re.search(r"^20 streams at once: 20 whole, 0 not$", done.stdout, re.MULTILINE)
    assert len(re.findall(r"^(?:direct|pass-through|tokenweir serve) ", done.stdout, re.MULTILINE)) == 5


def test_an_unknown_workload_is_refused() -> None:
    """Wrong use is answered with what there is."""
    run = [sys.executable, "-m", "benchmarks", "--only", "W2"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "no such workload: W2" in done.stderr


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["W1", "W3", "W4", "paced"])
async def test_every_reader_gets_the_same_text(kind: str) -> None:
    """All read what was sent, so that all are measured doing the same."""
    work = QUICK[kind]._replace(chunks=12)
    with serving({kind: work}) as address:
        for peer in PEERS.values():
            figures = await measure(work, address, {"it": peer}, 1, lambda _doing: None)
            assert len(figures["it"]) == 1


@pytest.mark.anyio
async def test_a_reader_that_does_less_is_no_figure() -> None:
    """One chunk lost is an error, not a better figure."""

    @asynccontextmanager
    async def lazy(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: FBT001 - as every Peer
        async with PEERS[TOKENWEIR](url, cumulative) as ask:

            async def less() -> str:
                return str(await ask())[:-1]

            yield less

    work = QUICK["W1"]._replace(chunks=12)
    with serving({"W1": work}) as address, pytest.raises(WrongAnswerError, match="lazy got"):
        await measure(work, address, {"lazy": lazy}, 1, lambda _doing: None)


@pytest.mark.skipif(not memory.STATM.exists(), reason="this system does not tell how large a process is")
def test_an_open_stream_weighs_something() -> None:
    """Streams stay open while their process is weighed."""
    with serving({"idle": memory.IDLE}) as address:
        assert memory.grown(TOKENWEIR, f"{address}/idle", 10, 100) > 1024


def test_what_is_expected() -> None:
    """A text is held against the text, a number against the bytes."""
    expected = Expected("Hi", 17)

    expected.check("it", "Hi")
    expected.check("it", 17)
    with pytest.raises(WrongAnswerError, match="it got 16 bytes"):
        expected.check("it", 16)


def test_cumulative_bodies_hold_the_same_text() -> None:
    """W3 sends W1's text, all of it each time."""
    plain = Workload("plain", streams=1, chunks=40)
    whole = bodies.text(plain)

    last = bodies.frames(plain._replace(cumulative=True))[-4].decode()

    assert bodies.text(plain._replace(cumulative=True)) == whole
    assert whole.replace("\n", "\\n") in last


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that was slow in one round was slow for all: the ratio says nothing of it."""
    figures = {"one": [2.0, 20.0, 2.2], "other": [1.0, 10.0, 1.0]}

    assert ratio(figures, "one", "other") == 2.0


def test_bounds_are_judged_honestly() -> None:
    """Where a bound is not met, the report says so."""
    figures = {FLOOR: [1.0], TOKENWEIR: [3.5], OPENAI: [112.0]}

    lines = list(table(FULL["W1"], figures))

    assert lines[-2] == f"{TOKENWEIR}: 3.50 x floor; required 3: NOT met, aim 2: not met"
    assert lines[-1] == f"{TOKENWEIR}: 32.0 x less than {OPENAI}; required 30: met, aim 50: not met"
    assert set(BOUNDS) == set(FULL)
