"""A command that serves until it is told to stop. Signals, ports and logs show in test_simulate.py and
test_replay.py, at real processes."""

import anyio
import anyio.lowlevel
import pytest
import structlog
from anyio.abc import TaskStatus

from tokenweir.cli import app
from tokenweir.cli.serving import log_to_stderr, serve_until_told


async def refuse(*, task_status: TaskStatus[str]) -> None:  # noqa: ARG001 - what a server is given
    """A server that cannot listen."""
    await anyio.lowlevel.checkpoint()
    raise OSError(98, "address in use")


def test_a_port_that_cannot_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong use, with the port in the message; nothing was said before."""
    with pytest.raises(app.WrongUse, match=r"--port 7: .*address in use"):
        anyio.run(serve_until_told, refuse, 7, str.upper)

    assert capsys.readouterr().out == ""


def test_the_log_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """P28: one line for each request, in which nothing can steer the terminal."""
    log_to_stderr()
    structlog.get_logger().info("replay.request", path="/\x1b[31m")

    said = capsys.readouterr()
    assert said.out == ""
    assert "replay.request path='/\\x1b[31m'" in said.err
    assert said.err.count("\n") == 1
