"""The examples, run as they stand: examples/ and the README's own."""

import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tokenweir import Deadlines, Pipeline
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

ROOT = Path(__file__).parent.parent
README = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
ANSWER = ABOUT.text

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """What touches aiohttp runs on asyncio."""
    return "asyncio"


async def test_custom_pipeline_shouts() -> None:
    """A pipeline gathered by hand, with a stage of one's own, from a backend that resends all."""
    example = runpy.run_path(str(ROOT / "examples" / "custom_pipeline.py"))

    told = await example["main"]()

    assert told == f"{ANSWER.upper()}\n({len(ABOUT.tokens)} tokens)"


async def test_service_answers_once() -> None:
    """P4: the embedded service sends each character once, though its backend resends everything."""
    example = runpy.run_path(str(ROOT / "examples" / "embed_in_aiohttp.py"))
    source = SimulatorSource(cumulative=True)

    async with TestServer(example["service"](source)) as server, ClientSession() as client:
        async with client.get(server.make_url("/?q=Hello")) as response:
            text = await response.text()

    assert text == ANSWER


async def test_a_browser_that_leaves_frees_the_backend() -> None:
    """P10, P11, D01: the client leaves in mid-answer; the backend sees it, and is not asked to go on."""
    example = runpy.run_path(str(ROOT / "examples" / "embed_in_aiohttp.py"))
    source = SimulatorSource(rate=20.0)
    server = TestServer(example["service"](source))
    await server.start_server()

    async with ClientSession() as client, client.get(server.make_url("/")) as response:
        await response.content.readany()
    with anyio.fail_after(5):
        while not source.exchanges:
            await anyio.sleep(0.005)
    outcome = source.exchanges[-1].outcome
    await server.close()

    assert outcome == "client_left"


async def test_two_backends_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """P1, P2: two answers at once; one of them breaks off, keeps its half and does not harm the other."""
    example = runpy.run_path(str(ROOT / "examples" / "two_backends.py"))
    async with SimulatorSource(cumulative=True) as whole, SimulatorSource(fault="reset") as broken:
        columns = await example["side_by_side"]("Who are you?", whole=whole, broken=broken)

    assert [column.text for column in columns] == [ANSWER, "".join(ABOUT.tokens[:8])]
    assert columns[0].state.startswith("complete") and columns[1].state.startswith("truncated: ")
    assert "whole" in capsys.readouterr().out


async def test_custom_source_asks_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    """P1: what a program prints is one answer, as it comes."""
    example = runpy.run_path(str(ROOT / "examples" / "custom_source.py"))

    await example["main"]()

    assert capsys.readouterr().out == f"{ANSWER}\n"


async def test_custom_source_tells_how_its_program_fails() -> None:
    """P2, P10: an exit code is no answer, and a program that hangs is ended at its deadline."""
    program = runpy.run_path(str(ROOT / "examples" / "custom_source.py"))["Program"]
    failing = program(sys.executable, "-c", "raise SystemExit(3)")
    hanging = program(sys.executable, "-c", "import threading; threading.Event().wait()")
    hanging.deadlines = Deadlines(first_token=0.05)

    async with failing, hanging:
        failed = await Pipeline(failing).run("Who are you?", check=False)
        late = await Pipeline(hanging).run("Who are you?", check=False)
        (run,) = hanging._running

    assert failed.end.failure is not None and failed.end.failure.message.endswith("exit code 3")
    assert late.end.outcome == "timeout"
    assert run.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("code", README, ids=range(len(README)))
def test_readme_example_runs(code: str) -> None:
    """Each Python example of the README ends well, says something, and warns of nothing."""
    command = [sys.executable, "-W", "error", "-c", code]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ANSWER in ran.stdout
