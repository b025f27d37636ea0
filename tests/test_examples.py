"""The examples, run as they stand; those in the texts run in test_docs.py."""

import json
import runpy
import signal
import socket
import sys
from pathlib import Path

import anyio
import pytest
import structlog
import uvicorn
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tokenweir import Deadlines, Pipeline
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

ROOT = Path(__file__).parent.parent
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

    async with (
        TestServer(example["service"](source)) as server,
        ClientSession() as client,
        client.get(server.make_url("/?q=Hello")) as response,
    ):
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
        while not source.exchanges:  # noqa: ASYNC110 - nobody is told
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
    assert columns[0].state.startswith("complete")
    assert columns[1].state.startswith("truncated: ")
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

    assert failed.end.failure is not None
    assert failed.end.failure.message.endswith("exit code 3")
    assert late.end.outcome == "timeout"
    assert run.process.returncode == -signal.SIGTERM


async def test_custom_sink_speaks_whole_sentences() -> None:
    """P1: each word is said once, in whole sentences, and a broken answer is said to be one."""
    sentences = runpy.run_path(str(ROOT / "examples" / "custom_sink.py"))["Sentences"]
    said: list[str] = []

    async def say(sentence: str) -> None:
        said.append(sentence)

    async with SimulatorSource() as whole, SimulatorSource(fault="cut") as broken:
        await Pipeline(whole).run("Who are you?", into=sentences(say))
        first = said.copy()
        said.clear()
        await Pipeline(broken).run("Who are you?", into=sentences(say), check=False)

    assert " ".join(first) == ANSWER
    assert first[2].startswith("What I say never changes")
    assert said[-1] == "Here the answer breaks off."


async def test_log_in_a_service_tells_each_answer_once() -> None:
    """S16: one line per answer, with the request's id and its end, and nothing that was said."""
    example = runpy.run_path(str(ROOT / "examples" / "log_in_a_service.py"))
    lines = structlog.testing.CapturingLogger()
    app = example["service"](SimulatorSource(), structlog.wrap_logger(lines, processors=[]))

    async with TestServer(app) as server, ClientSession() as client:
        for number in ("7", "8"):
            async with client.get(server.make_url("/"), headers={"X-Request-ID": number}) as response:
                await response.read()

    told = [call.kwargs for call in lines.calls]
    assert [(line["request_id"], line["event"], line["outcome"]) for line in told] == [
        ("7", "answer_end", "complete"),
        ("8", "answer_end", "complete"),
    ]
    assert "simulator of tokenweir" not in str(told)


async def test_fastapi_service_sends_events() -> None:
    """P1, P4: FastAPI on a real uvicorn sends each character once, as server-sent events."""
    service = runpy.run_path(str(ROOT / "examples" / "fastapi_service.py"))["service"]
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service(SimulatorSource(cumulative=True)), log_level="error"))

    lines: list[str] = []
    async with anyio.create_task_group() as tasks, ClientSession() as client:
        tasks.start_soon(server.serve, [listening])
        port = listening.getsockname()[1]
        async with client.get(f"http://127.0.0.1:{port}/answer", params={"q": "Hello"}) as response:
            lines += (await response.text()).splitlines()
        server.should_exit = True

    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert "".join(event["text"] for event in events if event["type"] == "delta") == ANSWER
    assert events[-1]["outcome"] == "complete"
