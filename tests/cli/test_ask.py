"""Asking: the answer's output has the answer to itself, and its faults are its own."""

import subprocess
import sys

import anyio
import anyio.lowlevel
import pytest

from tests.cli.shell import run
from tokenweir.cli.app import READER_LEFT
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.stage_option import SinkOption
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.connect import connect
from tokenweir.sinks import memory
from tokenweir.sinks.memory import Memory
from tokenweir.stages import sse_decode, take

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The command line runs on asyncio."""
    return "asyncio"


async def test_the_answer_is_what_was_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The same text on standard output, in the answer, and in every sink."""
    kept: list[Memory] = []

    def make() -> Memory:
        kept.append(memory())
        return kept[-1]

    ways = Ways(connect("simulator", cumulative=True), (take(characters=16),), (SinkOption("kept", make),))
    answer = Assembly()
    complete = await ask(ways, ways.pipeline(), "Hello", ways.made_sinks(), answer)

    assert complete
    assert capsys.readouterr().out == answer.text() + "\n" == kept[0].text + "\n" == "I am the simulat\n"
    assert answer.end is not None


async def test_a_cancelled_answer_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """P10: what was shown is there, with an end that says so."""
    source = connect("simulator", rate=20.0)
    ways = Ways(source)
    answer, sinks = Assembly(), list[tuple[str, Memory]]()
    async with source, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, ways, ways.pipeline(), "Hello", sinks, answer)
        with anyio.fail_after(30):
            while not answer.text():
                await anyio.wait_all_tasks_blocked()
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert capsys.readouterr().out == answer.text() + "\n"
    assert answer.end is not None
    assert answer.end.outcome == "cancelled"


async def test_stages_that_do_not_fit() -> None:
    """Told before anything is asked."""
    ways = Ways(connect("simulator"), (sse_decode(),))

    with pytest.raises(MisuseError, match="sse_decode takes bytes"):
        ways.pipeline()


def test_a_reader_that_leaves_beside_a_sink() -> None:
    """D05: `| head` is quiet with other sinks too, and they keep nothing running."""
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as gone:
        gone.wait()
        code, _, err = run("chat", "--provider", "simulator", "--sink", "log", "Hi", stdout=gone.stdin)

    assert code == READER_LEFT
    assert [line for line in err.splitlines() if "answer_end" not in line] == []
