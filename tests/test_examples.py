"""The examples, run as they stand: examples/ and the README's own."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

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


@pytest.mark.parametrize("code", README, ids=range(len(README)))
def test_readme_example_runs(code: str) -> None:
    """Each Python example of the README ends well, says something, and warns of nothing."""
    command = [sys.executable, "-W", "error", "-c", code]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ANSWER in ran.stdout
