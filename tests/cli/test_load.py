"""`tokenweir load`: a model is loaded, seen on a terminal, and unloaded."""

import os
import pty
import re

import pytest

from tests.cli.shell import PATIENCE, backend, start, watch
from tokenweir.cli import app


@pytest.mark.parametrize("provider", ["lmstudio", "ollama"])
def test_loaded_and_unloaded(provider: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A part of the name is enough; what was done is the output."""
    with backend(provider=provider, models=("qwen3-8b", "gemma-3"), load_seconds=0.02) as server:
        where = ["--provider", provider, "--base-url", server.url]
        codes = [app.run(["load", *where, "qwen"]), app.run(["load", *where, "--unload", "qwen"])]

    said = capsys.readouterr()
    assert (codes, said.err) == ([0, 0], "")
    assert re.fullmatch(r"qwen3-8b is loaded \(0\.\d s\)\nqwen3-8b is unloaded\n", said.out)


def test_a_line_on_the_terminal() -> None:
    """P16: it does not look like a hang, and leaves no trace."""
    with backend(provider="lmstudio", load_seconds=0.4) as server:
        master, slave = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        where = ["--provider", "lmstudio", "--base-url", server.url]
        process = start("load", *where, "simulated-model", stderr=slave, env=env)
        seen = watch(process, master)
        os.close(slave)
        os.close(master)
        out, _ = process.communicate(timeout=PATIENCE)

    assert "loading model" in seen
    assert out.decode().startswith("simulated-model is loaded (0.")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 1, "there is no model 'nothing'; available: simulated-model"),
        (["--unload", "nothing"], 1, "there is no model 'nothing'"),
    ],
)
def test_what_is_not_there(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, and what there is."""
    with backend(provider="lmstudio") as server:
        where = ["--provider", "lmstudio", "--base-url", server.url]
        assert app.run(["load", *where, *arguments]) == code

    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["m"], ["--unload", "m"]])
def test_what_cannot_is_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """2, and what it cannot."""
    with backend(models=("m",)) as server:
        where = ["--provider", "openai-compatible", "--base-url", server.url]
        assert app.run(["load", *where, *arguments]) == 2

    assert "openai-compatible: this backend cannot" in capsys.readouterr().err
