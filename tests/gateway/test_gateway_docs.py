"""docs/gateway.md: its examples are run against the gateway that it configures, and it leaves nothing out.

Law of this file: what the page shows is what comes, with `...` for anything. JavaScript and LangChain run in
`make test-clients` (tests/clients/test_texts.py).
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from tests.clients.gateway_process import GatewayProcess, serving
from tests.clients.texts import PAGE, blocks, here
from tokenweir.gateway.app import ROUTES
from tokenweir.gateway.refused import status_of
from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.simulator.text import ABOUT

ASKED = [block for block in blocks("console") if not block.startswith("$ tokenweir serve")]
STARTED = [block for block in blocks("console") if block.startswith("$ tokenweir serve")]
PROGRAMS = [block for block in blocks("python") if "langchain" not in block]


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    """A gateway with the page's own configuration."""
    with serving({**yaml.safe_load(blocks("yaml")[0]), "server": {"log": "json"}}) as one:
        yield one


def pattern(shown: str) -> re.Pattern[str]:
    """What an example shows, with `...` for anything."""
    return re.compile(re.escape(shown).replace(re.escape("..."), ".*?"), re.DOTALL)


@pytest.mark.parametrize("block", ASKED, ids=range(len(ASKED)))
def test_an_example_shows_what_comes(block: str, gateway: GatewayProcess) -> None:
    """Each command of a block, one after the other."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        ran = subprocess.run(
            ["/bin/sh", "-c", here(command, gateway)], capture_output=True, text=True, timeout=60, check=False
        )

        assert ran.stderr == ""
        assert pattern(shown.strip()).fullmatch(ran.stdout.strip()), f"$ {command}\n{ran.stdout}"


@pytest.mark.parametrize("block", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_prints_the_answer(block: str, gateway: GatewayProcess) -> None:
    """P4: openai-python, and the websocket; without a warning."""
    command = [sys.executable, "-W", "error", "-c", here(block, gateway)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.stdout, ran.stderr) == (ABOUT.text, "")


def test_it_starts_as_shown(gateway: GatewayProcess) -> None:
    """What it says first: the process of these tests was started so, but for the port."""
    [block] = STARTED
    shown = block.replace("http://127.0.0.1:3000", gateway.url).splitlines()[1:]
    assert gateway.process.stdout is not None
    more = [gateway.process.stdout.readline().decode().rstrip() for _ in shown[1:]]

    assert gateway.said.endswith(shown[0])
    assert more == shown[1:]


def test_every_endpoint_has_its_row() -> None:
    """And no row is about nothing."""
    rows = set(re.findall(r"`(GET|POST) (/[^`]*)`", PAGE.partition("## Endpoints")[2].partition("###")[0]))

    assert rows == {(route.method, route.path.replace(":.+", "")) for route in ROUTES}


def test_every_open_endpoint_says_so() -> None:
    """What needs no key is told, and nothing else is."""
    table = PAGE.partition("## Endpoints")[2].partition("###")[0]
    told = [
        path
        for line in table.splitlines()
        if "no key" in line
        for path in re.findall(r"`GET (/[^`]*)`", line)
    ]

    assert sorted(told) == sorted(route.path for route in ROUTES if route.open)


def test_every_status_has_its_row() -> None:
    """Of what a failure can become."""
    table = PAGE.partition("### Errors")[2].partition("\n## ")[0]
    told = {
        int(status)
        for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
        for status in row.split(",")
    }

    kinds: tuple[FailureKind, ...] = get_args(FailureKind)
    assert {status_of(Failure(kind, "")) for kind in kinds} <= told


def test_every_field_of_the_log_has_its_row(gateway: GatewayProcess) -> None:
    """As the gateway logs an answer, and a request without one."""
    for block in ASKED[0], ASKED[2]:
        test_an_example_shows_what_comes(block, gateway)
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")
    ]
    section = PAGE.partition("## The log")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z_]+)`", section))

    assert lines
    fields = {name for line in lines if line["event"] in ("answer", "refused") for name in line}
    assert fields - {"event", "level", "timestamp"} <= told
    assert {line["event"] for line in lines} <= told | {"answer"}


def test_it_names_files_that_are_there() -> None:
    """Links, and what the deployment's files are called."""
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(([^)#]+)", PAGE)

    assert [link for link in links if not (root / "docs" / link).exists()] == []
    for name in ("Dockerfile", "compose.yaml", "tokenweir.service", "tokenweir.yaml"):
        assert f"`{name}`" in PAGE
        assert (root / "examples" / "deploy" / name).is_file()
