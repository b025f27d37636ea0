"""The OpenAPI document: it names what there is, and what it says is what the gateway does."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import anyio
import msgspec
import pytest

from tests.gateway.serving import gateway, get
from tokenweir.config.schema import Progress, ReasoningField
from tokenweir.gateway.app import ROUTES
from tokenweir.gateway.ask import PROGRESS_HEADER, REASONING_HEADER, REFUSED
from tokenweir.gateway.ask_schema import Chat, Completion
from tokenweir.gateway.health import VERSION
from tokenweir.gateway.openapi import DOCUMENT
from tokenweir.gateway.prompts import FIELDS, PARAMETERS
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
TOLD: dict[str, Any] = msgspec.json.decode(DOCUMENT)
SCHEMAS: dict[str, Any] = TOLD["components"]["schemas"]
PARAMETERS_TOLD: dict[str, Any] = TOLD["components"]["parameters"]
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path, and what is said of it."""
    for path, item in TOLD["paths"].items():
        for method in METHODS & set(item):
            yield method.upper(), path, item[method]


def test_it_names_every_route_and_no_other() -> None:
    """Both ways; and whether a key is needed (P27)."""
    routes = {(one.method, re.sub(r":[^}]*", "", one.path)): one.open for one in ROUTES}
    told = {(method, path): said.get("security") == [] for method, path, said in operations()}

    assert told == routes


def test_every_name_in_it_leads_somewhere_and_is_led_to() -> None:
    """No reference without its part, no part without a reference, each operation named once."""
    text = DOCUMENT.decode()
    used = set(re.findall(r'"#/components/(\w+)/(\w+)"', text))
    there = {
        (kind, name)
        for kind in ("headers", "parameters", "responses", "schemas")
        for name in TOLD["components"][kind]
    }
    names = Counter(said["operationId"] for _, _, said in operations())

    assert used == there
    assert set(names.values()) == {1}
    assert TOLD["info"]["version"] == VERSION
    assert all(len(line) <= 110 for line in text.splitlines() if '"description"' not in line)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ChatRequest", Chat.__struct_fields__),
        ("CompletionRequest", Completion.__struct_fields__),
        ("PromptRequest", FIELDS),
    ],
)
def test_it_names_every_field_that_is_read(name: str, fields: tuple[str, ...]) -> None:
    """And no other: what is beside them goes to the backend."""
    assert set(SCHEMAS[name]["properties"]) == set(fields)


def test_it_names_the_headers_and_what_is_refused() -> None:
    """P25: the fields that would choose a backend."""
    told = {
        one["name"]: set(one["schema"]["enum"]) for one in PARAMETERS_TOLD.values() if one["in"] == "header"
    }
    refused = [SCHEMAS[name]["propertyNames"]["not"]["enum"] for name in ("ChatRequest", "CompletionRequest")]

    assert told == {PROGRESS_HEADER: set(get_args(Progress)), REASONING_HEADER: set(get_args(ReasoningField))}
    assert [set(names) for names in refused] == [REFUSED, REFUSED]
    assert set(SCHEMAS["PromptRequest"]["properties"]["parameters"]["properties"]) == set(PARAMETERS)


async def test_it_is_served_to_everybody() -> None:
    """A key is not needed: it tells nothing of this gateway."""
    async with gateway({"inference": {"provider": "simulator"}}, {"tester": b"secret"}) as server:
        got = await get(f"{server.url}/openapi.json")

    assert (got.status, got.headers["Content-Type"]) == (200, "application/json")
    assert got.json == TOLD


async def test_the_gateway_does_what_it_says(tmp_path: Path) -> None:
    """R01, R06, R07, R11, R13: requests that schemathesis makes of the document, right ones and wrong ones.

    No 5xx but those that are told, statuses, content types and bodies as told, wrong data and wrong methods
    refused, and nothing without a key.
    """
    environ = os.environ | {"PYTHONPATH": str(HERE.parents[1])}  # for its hooks; its own files go to tmp_path
    async with Simulator(Quirks(provider="lmstudio", models=("desk-model",))) as sim:
        config = {
            "backends": {
                "here": {"provider": "simulator", "default_model": "simulated-model"},
                "desk": {"provider": "lmstudio", "base_url": sim.url},
            },
            "limits": {"max_choices": 128},
            "prompts": {"explain": {"template": "Explain {{what}}."}},
        }
        async with gateway(config, {"tester": b"right-key"}) as server:
            command = [
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--config-file",
                str(HERE / "schemathesis.toml"),
            ]
            command += ["run", f"{server.url}/openapi.json", "--header", "Authorization: Bearer right-key"]
            command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--no-shrink"]
            command += ["--generation-deterministic", "--no-color"]
            with anyio.fail_after(100):
                done = await anyio.run_process(
                    command, check=False, cwd=tmp_path, env=environ, stderr=subprocess.STDOUT
                )

    told = done.stdout.decode()
    assert done.returncode == 0, told
    cases = re.search(r"(\d+) generated", told)
    assert cases is not None, told
    assert int(cases[1]) > 500
