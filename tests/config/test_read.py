"""A whole configuration, from wherever it comes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.config.configs import BACKEND, read, wrong
from tests.config.trees import TREES
from tokenweir.config.read import ConfigError, read_config

LM_STUDIO = """
inference:
  provider: lmstudio
  base_url: "http://localhost:1234"
  default_model: "qwen/qwen3-8b"
  allowed_models:
    - "qwen/qwen3-8b"
  http:
    timeout_secs: 60
    connect_timeout_secs: 10
    keep_alive_secs: 30
    max_idle_connections: 10
"""
DEFAULTS = {"max_tokens": 100, "temperature": 0.7}


def defaults(folder: Path, text: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    """What requests get that do not say otherwise."""
    backend = read(folder, text, environ or {}).config.inference
    assert backend is not None
    return backend.defaults


def test_the_form_of_lm_studios_provider(tmp_path: Path) -> None:
    """C13: its document's defaults hold for its document's form, and a line says so."""
    loaded = read(tmp_path, LM_STUDIO)
    backend = loaded.config.inference

    assert backend is not None
    assert backend.defaults == DEFAULTS
    assert (backend.http.timeout_secs, backend.http.max_idle_connections) == (60, 10)
    [said] = loaded.warnings
    assert said.startswith(f"{tmp_path}/gateway.yaml:2: inference: requests that do not say otherwise get ")
    assert said.endswith(" max_tokens 100, temperature 0.7; `defaults: {}` ends that")


def test_it_may_come_from_the_environment(tmp_path: Path) -> None:
    """C13: all of it, or some."""
    environ = {"INFERENCE_INFERENCE_PROVIDER": "lmstudio", "INFERENCE_INFERENCE_HTTP_TIMEOUT_SECS": "9"}
    alone = read_config(None, environ).config.inference

    assert alone is not None
    assert alone.defaults == DEFAULTS
    assert defaults(tmp_path, "inference: {provider: mlx}", environ) == DEFAULTS


@pytest.mark.parametrize(
    "text",
    [
        LM_STUDIO + "  defaults: {}\n",
        LM_STUDIO + "  stages: []\n",
        LM_STUDIO + "    total_timeout_secs: 90\n",
        LM_STUDIO + "server: {}\n",
        LM_STUDIO.replace("provider: lmstudio", "provider: lmstudio-native"),
        LM_STUDIO.replace("provider: lmstudio", "provider: openai-compatible"),
    ],
)
def test_nothing_else_gets_defaults(text: str, tmp_path: Path) -> None:
    """C13: a silent limit would cut answers."""
    assert defaults(tmp_path, text) == {}
    assert defaults(tmp_path, LM_STUDIO, {"INFERENCE_INFERENCE_DEFAULTS": '{"top_p": 1}'}) == {"top_p": 1}


def test_flag_over_variable_over_file(tmp_path: Path) -> None:
    """C13: and each is checked, wherever it comes from."""
    text = f"{BACKEND}server: {{port: 1, host: localhost}}"

    assert read(tmp_path, text).config.server.port == 1
    assert read(tmp_path, text, {"INFERENCE_SERVER_PORT": "2"}).config.server.port == 2
    assert read(tmp_path, text, {"INFERENCE_SERVER_PORT": "2"}, port=3).config.server.port == 3
    assert read(tmp_path, text, port=None).config.server.port == 1
    assert wrong(tmp_path, text, {"INFERENCE_SERVER_PORT": "x"}, port=0) == [
        "--port: 0, where a whole number from 1 to 65535 is needed"
    ]


def test_flags_keep_the_form(tmp_path: Path) -> None:
    """C13: a port that is given at the start changes no answer."""
    backend = read(tmp_path, LM_STUDIO, port=4000).config.inference

    assert backend is not None
    assert backend.defaults == DEFAULTS


def test_no_configuration() -> None:
    """C01: none is one too; the backends are then looked for."""
    loaded = read_config(None, {"HOME": "/"})

    assert loaded.config.all_backends() == {}
    assert (loaded.source, loaded.warnings, loaded.keys) == ("no configuration", (), {})


def test_a_file_that_cannot_be_read_hides_the_rest(tmp_path: Path) -> None:
    """P21: variables for what could not be read would all seem wrong."""
    file = tmp_path / "gone.yaml"
    with pytest.raises(ConfigError) as caught:
        read_config(file, {"INFERENCE_BACKENDS_A_BASE_URL": "http://h"})

    assert caught.value.problems == (f"{file}: there is no such file",)


def test_file_and_environment_and_secrets_at_once(tmp_path: Path) -> None:
    """P21: one run tells everything, the file's lines first."""
    text = "server: {port: 0}\ninference:\n  provider: nobody\n  api_key_env: GONE\n  bas_url: x\n"

    assert [line.split(": ")[:2] for line in wrong(tmp_path, text, {"INFERENCE_LIMITS_MAX_TOOLS": "x"})] == [
        ["gateway.yaml:1", "server.port"],
        ["gateway.yaml:3", "inference.provider"],
        ["gateway.yaml:4", "inference.api_key_env"],
        ["gateway.yaml:5", "inference.bas_url"],
        ["environment", "INFERENCE_LIMITS_MAX_TOOLS"],
    ]


@given(TREES, st.dictionaries(st.sampled_from(["INFERENCE_X", "INFERENCE_SERVER_HOST"]), st.text("a:0.")))
def test_any_tree_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any], environ: dict[str, str]
) -> None:
    """P21: no configuration ends in anything but a configuration, or a list of what is wrong with it."""
    folder = tmp_path_factory.getbasetemp()
    try:
        loaded = read(folder, yaml.safe_dump(tree, allow_unicode=False), environ)
    except ConfigError as refused:
        places = (str(folder), "environment: INFERENCE_", "and ")
        assert all(line.startswith(places) for line in refused.problems)  # noqa: PT017 - both ends are right
    else:
        assert loaded.config.all_backends().keys() >= loaded.backend_keys.keys()
