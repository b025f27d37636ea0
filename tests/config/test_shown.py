"""The effective configuration, to be read by people and read back."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.config.configs import BACKEND, read
from tokenweir.config.read import Loaded, read_config
from tokenweir.config.schema import Backend, Config, Prompt
from tokenweir.config.shown import print_config

CANARY = "sk-canary-0123456789"


def loaded(config: Config) -> Loaded:
    """A configuration that came from nowhere."""
    return Loaded(config=config, keys={}, backend_keys={}, warnings=(), source="a test")


def back(folder: Path, text: str) -> Config:
    """A configuration that was shown, as it is read."""
    (folder / "shown.yaml").write_text(text, "utf-8")
    return read_config(folder / "shown.yaml", {}).config


def test_only_what_differs(tmp_path: Path) -> None:
    """C13: what the file, the environment and the flags make of it together."""
    text = "inference: {provider: mlx, http: {timeout_secs: 120, keep_alive_secs: 9}}\nserver: {port: 4000}\n"
    shown = print_config(read(tmp_path, text, {"INFERENCE_SERVER_PAGE": "false"}, host="::1"))

    assert shown == (
        f"# from {tmp_path}/gateway.yaml and 1 variable\n"
        "inference:\n  provider: mlx\n  http:\n    keep_alive_secs: 9.0\n"
        "server:\n  host: ::1\n  port: 4000\n  page: false\n"
    )


def test_nothing_differs() -> None:
    """C13: it is YAML all the same."""
    assert print_config(loaded(Config())) == "# from a test\n{}\n"


def test_everything(tmp_path: Path) -> None:
    """C13: every key with its value."""
    shown = print_config(read(tmp_path, BACKEND), everything=True)

    assert "max_streams: 1000\n" in shown
    assert "drain_timeout_secs: 30.0\n" in shown
    assert back(tmp_path, shown) == read(tmp_path, BACKEND).config


def test_no_secret(tmp_path: Path) -> None:
    """P24, C13: keys are named, not shown; and what somebody put elsewhere is masked by its name."""
    text = (
        "inference:\n  provider: lmstudio\n  api_key_env: KEY\n"
        f"  options: {{headers: {{x-team: {CANARY}, other: {CANARY}}}}}\n"
        f"  defaults: {{metadata: {{api_key: {CANARY}, auth-token: {CANARY}, Password: {CANARY},\n"
        f"    url: 'https://u:{CANARY}@h/', said: 'Bearer {CANARY}',\n"
        f"    accessToken: {CANARY}, my_keys: [{CANARY}], at: 'https://h/?key={CANARY}&n=1',\n"
        f"    as: 'n=1 token={CANARY}'}}, max_tokens: 5, token: {CANARY}}}\n"
        "server: {api_keys: [{name: x, env: KEY}]}\n"
        f"prompts: {{p: {{template: x, parameters: {{secret: {CANARY}}}}}}}\n"
    )
    loaded = read(tmp_path, text, {"KEY": CANARY})

    for everything in (False, True):
        shown = print_config(loaded, everything=everything)
        assert "canary" not in shown
        assert shown.count("***") == 13
        assert "max_tokens: 5" in shown
        assert "https://h/?key=***&n=1" in shown
        assert shown.count("KEY") == 2


WORDS = st.sampled_from(
    ["no", "0o17", "1e5", "1:30", "010", "null", "~", "true", "on", "2026-11-21", "=", "*", " a "]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, WORDS | st.text("ab\n\t: #'\"", min_size=1))
def test_it_can_be_read_back(tmp_path_factory: pytest.TempPathFactory, value: Any, text: str) -> None:
    """C13: text stays text and numbers numbers, whichever YAML reads it."""
    parameters = {"metadata": {"a": value, "b": value}}
    prompt = Prompt(template=text, parameters=parameters)
    config = Config(prompts={"p": prompt}, backends={"a": Backend(provider="mlx", defaults=parameters)})
    shown = print_config(loaded(config))

    assert yaml.safe_load(shown)["prompts"]["p"]["template"] == text
    assert back(tmp_path_factory.getbasetemp(), shown) == config
