"""`tokenweir models`: a table for people, lines for programs."""

import json

import pytest

from tests.cli.shell import backend
from tokenweir.cli import app
from tokenweir.cli import models as command
from tokenweir.cli.models import table
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.base import Source


def test_the_loaded_ones_first(capsys: pytest.CaptureFixture[str]) -> None:
    """DESIGN 8: name, state, size and context."""
    with backend(provider="lmstudio", models=("a", "long-name")) as server:
        where = ["--provider", "lmstudio", "--base-url", server.url]
        assert app.run(["load", *where, "long"]) == 0
        capsys.readouterr()
        code = app.run(["models", *where])

    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "MODEL      STATE         SIZE  CONTEXT",
        "long-name  loaded      1.0 GB     4096",
        "a          not loaded  1.0 GB     4096",
    ]


def test_lines_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """One model a line, with the backend's own entry."""
    with backend(provider="ollama", models=("a", "b")) as server:
        code = app.run(["models", "--provider", "ollama", "--base-url", server.url, "--json"])

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (code, first["id"], second["id"]) == (0, "a", "b")
    assert (first["state"], first["native"]["name"]) == ("not_loaded", "a")


def test_what_there_is_to_see() -> None:
    """Instances, progress, sizes, and what the backend does not tell; no name steers the terminal."""
    models = [
        Model("m", "loaded", 999, None, "m:2"),
        Model("n\x1b[31m\n", "loading", 5_400_000, 10, progress=0.256),
        Model("o", "unknown", 2_000_000_000_000),
        Model("p", size=1_500),
    ]

    assert table(models).splitlines() == [
        "MODEL      STATE           SIZE  CONTEXT",
        "m (m:2)    loaded         999 B        -",
        "n\\x1b[31m  loading 26 %  5.4 MB       10",
        "o          unknown       2.0 TB        -",
        "p          unknown       1.5 kB        -",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--provider", "lmstudio", "--base-url", "http://127.0.0.1:9"], 1, "nobody answers"),
        ([], 2, "--provider is needed"),
        (["--provider", "nobody"], 2, "nobody"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """1 where nobody answers, 2 for wrong use."""
    assert app.run(["models", *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_backend_that_cannot_tell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so; a list without models is one too."""
    found: list[Source] = [Source()]

    def source_of(**_: object) -> Source:
        return found[0]

    monkeypatch.setattr(command, "source_of", source_of)
    assert app.run(["models"]) == 2
    assert "source: this backend cannot list its models" in capsys.readouterr().err

    class Empty(Source):
        async def models(self) -> list[Model]:
            return []

    found[0] = Empty()
    assert app.run(["models"]) == 0
    assert capsys.readouterr() == ("", "the backend has no models\n")
