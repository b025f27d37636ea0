"""The programs in docs/gateway.md that need what only `make test-clients` installs."""

import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.clients.gateway_process import GatewayProcess, serving
from tests.clients.installing import CLIENTS, WORK, missing
from tests.clients.texts import blocks, here
from tokenweir.simulator.text import ABOUT

NODE = blocks("js")
LANGCHAIN = [block for block in blocks("python") if "langchain" in block]


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    """A gateway with the page's own configuration."""
    with serving(yaml.safe_load(blocks("yaml")[0])) as one:
        yield one


def printed(command: list[str], room: str) -> str:
    """What a program prints, in the room of its libraries."""
    ran = subprocess.run(command, cwd=WORK / room, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.skipif(missing(CLIENTS["openai-node"]) is not None, reason="not installed")
@pytest.mark.parametrize("block", NODE, ids=["openai-node", "ai-sdk"])
def test_programs_for_node(block: str, gateway: GatewayProcess) -> None:
    """P4: the whole answer, once."""
    assert printed(["node", "--input-type=module", "-e", here(block, gateway)], "node") == ABOUT.text


@pytest.mark.skipif(missing(CLIENTS["langchain"]) is not None, reason="not installed")
@pytest.mark.parametrize("block", LANGCHAIN, ids=["langchain"])
def test_programs_for_langchain(block: str, gateway: GatewayProcess) -> None:
    """P4: the whole answer, once."""
    python = str(WORK / "langchain" / "bin" / "python")

    assert printed([python, "-c", here(block, gateway)], "langchain") == ABOUT.text
