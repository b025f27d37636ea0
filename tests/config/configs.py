"""Configurations that tests write, read, and find wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tokenweir.config.read import ConfigError, Loaded, read_config

NO_VARIABLES: Mapping[str, str] = {}
BACKEND = "inference: {provider: openai-compatible, base_url: 'http://localhost:1/v1'}\n"
"""One that is right, on a line of its own."""


def read(folder: Path, text: str, environ: Mapping[str, str] = NO_VARIABLES, **flags: Any) -> Loaded:
    """What a file with this text says. Flags are those of the server: `port=4000`."""
    file = folder / "gateway.yaml"
    file.write_text(text, "utf-8")
    return read_config(file, environ, flags={f"server.{name}": value for name, value in flags.items()})


def wrong(folder: Path, text: str, environ: Mapping[str, str] = NO_VARIABLES, **flags: Any) -> list[str]:
    """What is wrong with it; the file is called `gateway.yaml`."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, environ, **flags)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [line.replace(f"{folder}/", "") for line in caught.value.problems]
