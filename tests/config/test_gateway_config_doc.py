"""docs/gateway-config.md and the example configurations are held against the code."""

import re
from pathlib import Path

import pytest

from tests.config import reference
from tests.config.configs import read, wrong
from tokenweir.config.environment import variable
from tokenweir.config.kinds import CONFIG, leaves
from tokenweir.config.read import read_config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gateway-config.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = sorted((ROOT / "examples/gateway").glob("*.yaml"))
KEYS = {name: f"a-key-for-{name}" for name in ("HOSTED_KEY", "ALICE_KEY", "WEB_KEY")}


@pytest.mark.parametrize("heading", reference.SECTIONS)
def test_every_key_stands_there(heading: str) -> None:
    """P21: with its type, its default and its meaning, as the structs have them."""
    table = reference.table(reference.SECTIONS[heading])

    assert f"\n### {heading}\n\n{table}\n" in PAGE, f"the page should have:\n### {heading}\n\n{table}"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_of_the_page(block: str, tmp_path: Path) -> None:
    """P21: it can be used as it stands."""
    assert read(tmp_path, block, KEYS).config.all_backends()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_file(path: Path) -> None:
    """P21: the same for the files, and the page names each."""
    assert read_config(path, KEYS).config.all_backends()
    assert f"examples/gateway/{path.name}" in PAGE


def test_what_the_page_shows_as_refused(tmp_path: Path) -> None:
    """P21: word for word, and in one run."""
    text = (
        "inference:\n  provider: lmstudio\n  bas_url: x\n  http:\n    timeout_secs: 5s\n"
        "routes:\n  - model: a\n\n    backends: [local, hostd]\n"
        "server: {page: no,\n  allowed_hosts: a,\n  api_key: x}\n"
        "backends:\n  local: {provider: ollama}\n  hosted: {provider: openai, api_key: x}\n"
    )
    [shown] = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)

    assert wrong(tmp_path, text, {"INFERENCE_SERVER_PORT": "70000"}) == shown.splitlines()


def test_variables_that_are_named() -> None:
    """C13: there are those of the page, and others that begin so are secrets' or made up."""
    known = {variable(way) for way, _ in leaves(CONFIG)}
    named = set(re.findall(r"INFERENCE_[A-Z_]*[A-Z]", PAGE))

    assert len(EXAMPLES) >= 3
    assert len(BLOCKS) >= 2
    assert len(named & known) >= 5
    assert {name for name in named - known if not name.startswith("INFERENCE_BACKENDS_")} == set()
