"""Who is asked: the options that `chat` and `record` share. What they do shows in test_chat.py too."""

import io
import sys

import click
import pytest

from tokenweir.cli.source_option import prompt_of, source_of, source_options
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.http import HTTPSource


def test_what_is_given_reaches_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, mode, address, and the key out of the environment."""
    monkeypatch.setenv("CANARY", "sk-canary-1")
    source = source_of(
        provider="lmstudio",
        base_url="http://127.0.0.1:1",
        model="m",
        api_key_env="CANARY",
        mode="cumulative",
    )

    assert isinstance(source, HTTPSource)
    assert (source.base_url, source.model, source.mode) == ("http://127.0.0.1:1/v1", "m", "cumulative")
    assert source.question("http://127.0.0.1:1", {}).headers["Authorization"] == "Bearer sk-canary-1"


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """C08: a provider, and a key that is there."""
    monkeypatch.delenv("CANARY", raising=False)
    none = {"base_url": None, "model": None, "mode": None}
    with pytest.raises(click.UsageError, match="--provider is needed"):
        source_of(provider=None, api_key_env=None, **none)
    with pytest.raises(click.UsageError, match="no such environment variable"):
        source_of(provider="lmstudio", api_key_env="CANARY", **none)
    with pytest.raises(MisuseError, match="acme"):
        source_of(provider="acme", api_key_env=None, **none)


def test_the_options_stand_in_order() -> None:
    """In `--help` as in the table of docs/cli.md."""

    @click.command()
    @source_options
    def command() -> None: ...

    assert [option.opts[0] for option in command.params] == [
        "--provider",
        "--base-url",
        "--model",
        "--api-key-env",
        "--mode",
    ]


def test_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, or from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Für ein Rohr?".encode()), "utf-8"))

    assert prompt_of("Hi") == "Hi"
    assert prompt_of("-") == "Für ein Rohr?"

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8"))
    with pytest.raises(click.UsageError, match="standard input is no text"):
        prompt_of("-")
