"""Every ```python block of the README and of docs/ is a whole program, and runs as it stands.

Law of this file: the texts are run, not read. A file's blocks run one after another in one process,
each in a namespace of its own, offline, with warnings as errors, in an empty folder. A block is left out
only by `<!-- no-run: reason -->` on the line before it, and NOT_RUN lists those.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tokenweir.simulator.text import ABOUT

ROOT = Path(__file__).parents[1]
FENCED = re.compile(
    r"^(?:<!-- no-run: (?P<reason>.*?) -->\n)?```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)

ELSEWHERE = {
    "docs/gateway.md": "tests/gateway/test_gateway_docs.py",
    "docs/third-parties.md": "tests/test_third_parties.py",
}
"""Texts whose blocks are the files of one program, or need a server, and the tests that run them."""

NOT_RUN = {("docs/embedding.md", "needs PySide6 and a screen")}
"""Blocks that are only compiled: file and reason."""

RUNNER = """
import json, sys
for name, line, code in json.load(sys.stdin):
    print("\\0", flush=True)
    exec(compile("\\n" * line + code, name, "exec"), {"__name__": "__main__"})
"""
"""Runs blocks; what one says begins with a NUL, and a traceback names the line in the text."""


class Block(NamedTuple):
    """A program in a text, the number of lines before it, and why it is not run, if so."""

    line: int
    code: str
    reason: str | None


def blocks_of(path: Path) -> list[Block]:
    """The Python blocks of a text, in order."""
    text = path.read_text("utf-8")
    return [
        Block(text[: found.start("code")].count("\n"), found["code"], found["reason"])
        for found in FENCED.finditer(text)
    ]


def name_of(path: Path) -> str:
    """A text's path from the root."""
    return path.relative_to(ROOT).as_posix()


ALL = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {name_of(path): blocks for path in ALL if (blocks := blocks_of(path))}
"""The texts with Python in them."""

RUN = [name for name in TEXTS if name not in ELSEWHERE]
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[Ran]"]]:
    """The texts' processes, as many at once as there are processors."""

    def run(name: str, folder: Path) -> Ran:
        programs = [(name, block.line, block.code) for block in TEXTS[name] if block.reason is None]
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", RUNNER],
            input=json.dumps(programs),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=folder,
        )

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield {name: threads.submit(run, name, tmp_path_factory.mktemp("docs")) for name in RUN}


@pytest.mark.parametrize("name", RUN)
def test_the_blocks_run(name: str, runs: dict[str, "Future[Ran]"]) -> None:
    """Each block ends well and warns of nothing; all of them were begun."""
    ran = runs[name].result()

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("\0") == sum(block.reason is None for block in TEXTS[name])


def test_the_readme_gives_the_whole_answer(runs: dict[str, "Future[Ran]"]) -> None:
    """P4: what a first user tries shows each character once."""
    said = runs["README.md"].result().stdout.split("\0")[1:]

    assert [ABOUT.text in each for each in said] == [True] * len(TEXTS["README.md"])


def test_few_blocks_are_left_out() -> None:
    """A block that nobody runs is listed here, with its reason, and can at least be read by Python."""
    left_out = [
        (name, block) for name, blocks in TEXTS.items() for block in blocks if block.reason is not None
    ]
    for name, block in left_out:
        compile(block.code, name, "exec")

    assert {(name, block.reason) for name, block in left_out} == NOT_RUN


def test_texts_that_others_run() -> None:
    """What is left to another test is a text, and that test names it."""
    for name, test in ELSEWHERE.items():
        assert name in TEXTS
        assert Path(name).name in (ROOT / test).read_text("utf-8")


def test_no_block_hides() -> None:
    """A fence that is spelled in another way, or a mark that stands elsewhere, would leave code unrun."""
    fence = re.compile(r"^\s*(?:```|~~~)\s*py", re.MULTILINE | re.IGNORECASE)
    for path in ALL:
        text, blocks = path.read_text("utf-8"), TEXTS.get(name_of(path), [])

        assert len(fence.findall(text)) == len(blocks), path
        assert text.count("<!-- no-run") == sum(block.reason is not None for block in blocks), path
