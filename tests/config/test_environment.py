"""Variables in place of what the file says."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.configs import BACKEND, read, wrong
from tests.config.trees import JUNK, TREES
from tokenweir.config.environment import read_environment, variable
from tokenweir.config.kinds import CONFIG, leaves
from tokenweir.config.read import ConfigError, read_config
from tokenweir.config.reading import Place, Reading

FILE = """
backends:
  my-box: {provider: ollama, default_model: here, http: {timeout_secs: 5}}
server: {port: 1}
"""


def overridden(values: dict[str, Any], **environ: str) -> dict[str, Any]:
    """The values with these variables in their place; names without the prefix."""
    reading = Reading(Place("file", 1))
    reading.values = values
    read_environment(reading, {f"INFERENCE_{name}": text for name, text in environ.items()})
    reading.settle()
    return reading.values


def test_the_variables_of_lm_studios_provider() -> None:
    """C13: those that its document names."""
    loaded = read_config(
        None,
        {
            "INFERENCE_INFERENCE_PROVIDER": "lmstudio",
            "INFERENCE_INFERENCE_BASE_URL": "http://localhost:1234",
            "INFERENCE_INFERENCE_DEFAULT_MODEL": "local-model",
            "INFERENCE_INFERENCE_HTTP_TIMEOUT_SECS": "60",
            "INFERENCE_INFERENCE_HTTP_CONNECT_TIMEOUT_SECS": "10",
            "PATH": "/bin",
        },
    )
    backend = loaded.config.inference

    assert backend is not None
    assert (backend.provider, backend.base_url) == ("lmstudio", "http://localhost:1234")
    assert (backend.http.timeout_secs, backend.http.connect_timeout_secs) == (60, 10)
    assert loaded.source == "5 variables"


def test_every_key_has_a_variable() -> None:
    """C13: the way to it in capitals; no two keys have the same."""
    names = [variable(way) for way, _ in leaves(CONFIG)]

    assert len(names) == len(set(names)) >= 50
    assert {"INFERENCE_SERVER_PORT", "INFERENCE_LIMITS_MAX_STREAMS", "INFERENCE_ROUTES"} <= set(names)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """C13: key by key."""
    environ = {"INFERENCE_SERVER_PORT": "2", "INFERENCE_BACKENDS_MY_BOX_DEFAULT_MODEL": "there"}
    loaded = read(tmp_path, FILE, environ)
    box = loaded.config.backends["my-box"]

    assert (loaded.config.server.port, box.default_model, box.http.timeout_secs) == (2, "there", 5)
    assert loaded.source.endswith("gateway.yaml and 2 variables")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("INFERENCE_DEFAULT_MODEL", "5", "5"),
        ("INFERENCE_DEFAULT_MODEL", " a b ", " a b "),
        ("INFERENCE_DEFAULT_MODEL", "null", None),
        ("INFERENCE_PROVIDER", "null", "null"),
        ("INFERENCE_MAX_CONCURRENT", "4", 4),
        ("INFERENCE_MAX_CONCURRENT", "null", None),
        ("INFERENCE_ALLOWED_MODELS", "a, b", ["a", "b"]),
        ("INFERENCE_ALLOWED_MODELS", '["a,b"]', ["a,b"]),
        ("INFERENCE_ALLOWED_MODELS", "[]", []),
        (
            "INFERENCE_STAGES",
            '["token_count", {"throttle": {"rate": 9}}]',
            ["token_count", {"throttle": {"rate": 9}}],
        ),
        ("INFERENCE_DEFAULTS", '{"temperature": 0.5}', {"temperature": 0.5}),
        ("INFERENCE_OPTIONS", "{}", {}),
    ],
)
def test_what_a_text_is(name: str, text: str, value: Any) -> None:
    """C04: text as it is; numbers and flags as in the file; lists by commas or as JSON; mappings as JSON."""
    assert overridden({}, **{f"INFERENCE_{name.removeprefix('INFERENCE_')}": text}) == {
        "inference": {name.removeprefix("INFERENCE_").lower(): value}
    }


def test_sections_come_into_being() -> None:
    """C13: also where the file leaves them empty."""
    assert overridden({"server": None}, SERVER_PAGE="false", LIMITS_MAX_TOKENS="9") == {
        "server": {"page": False},
        "limits": {"max_tokens": 9},
    }
    assert overridden({"inference": {"keep_warm": None}}, INFERENCE_KEEP_WARM_EVERY_SECS="60") == {
        "inference": {"keep_warm": {"every_secs": 60}}
    }


def test_entries_come_into_being() -> None:
    """C13: with the one key that each needs."""
    assert overridden({}, BACKENDS_A_B_PROVIDER="ollama", BACKENDS_A_B_BASE_URL="http://h") == {
        "backends": {"a_b": {"provider": "ollama", "base_url": "http://h"}}
    }
    assert overridden({"prompts": {"p-1": {}}}, PROMPTS_P_1_TEMPLATE="x", PROMPTS_Q_TEMPLATE="y") == {
        "prompts": {"p-1": {"template": "x"}, "q": {"template": "y"}}
    }


def test_what_is_named_elsewhere_is_no_key(tmp_path: Path) -> None:
    """C08: a key may be in a variable with this beginning."""
    text = "inference: {provider: openai, api_key_env: INFERENCE_KEY}\n"

    assert read(tmp_path, text, {"INFERENCE_KEY": "abcdef"}).backend_keys == {"inference": "abcdef"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SERVER_PROT": "1"}, "SERVER_PROT: there is no such key; did you mean INFERENCE_SERVER_PORT?"),
        ({"": "1"}, ": there is no such key"),
        ({"SERVER": "{}"}, "SERVER: there is no such key"),
        ({"SERVER_PORT": ""}, "SERVER_PORT: it is empty: give it a value, or unset it"),
        ({"SERVER_PORT": "x"}, "SERVER_PORT: text, where a whole number from 1 to 65535 is needed"),
        ({"SERVER_PORT": "on"}, "SERVER_PORT: text, where a whole number from 1 to 65535 is needed"),
        ({"SERVER_PAGE": "yes"}, "SERVER_PAGE: text, where true or false is needed"),
        ({"SERVER_DRAIN_TIMEOUT_SECS": "inf"}, "SERVER_DRAIN_TIMEOUT_SECS: text, where a number above 0"),
        (
            {"SERVER_DRAIN_TIMEOUT_SECS": "5s"},
            "SERVER_DRAIN_TIMEOUT_SECS: text, where a number above 0 is needed: sec",
        ),
        ({"INFERENCE_DEFAULTS": "a=1"}, 'INFERENCE_DEFAULTS: it is no JSON: write {"a": 1}'),
        ({"INFERENCE_DEFAULTS": '{"a":' * 9999}, "INFERENCE_DEFAULTS: it is no JSON"),
        (
            {"INFERENCE_DEFAULTS": '{"a":' * 50 + "1" + "}" * 50},
            "INFERENCE_DEFAULTS: inference.defaults" + ".a" * 31 + ": more than 32 levels deep",
        ),
        ({"INFERENCE_DEFAULTS": "\udcff"}, "INFERENCE_DEFAULTS: it is no JSON"),
        ({"INFERENCE_DEFAULT_MODEL": "\udcff"}, "INFERENCE_DEFAULT_MODEL: it holds half a character"),
        ({"INFERENCE_DEFAULTS": "[1]"}, "INFERENCE_DEFAULTS: a list, where a mapping is needed"),
        ({"INFERENCE_STAGES": "[1"}, 'INFERENCE_STAGES: it is no JSON: write ["a", "b"] or a,b'),
        ({"INFERENCE_STAGES": "throttl"}, "INFERENCE_STAGES: inference.stages[0]: no stage 'throttl'"),
        ({"ROUTES": "a"}, "ROUTES: routes[0]: text, where a mapping is needed"),
        ({"INFERENCE_PROVIDER": "olama"}, "INFERENCE_PROVIDER: no provider 'olama'; did you mean 'ollama'?"),
        ({"BACKENDS_A_BASE_URL": "x"}, "BACKENDS_A_BASE_URL: there is no such key; did you mean"),
        ({"BACKENDS__PROVIDER": "x"}, "BACKENDS__PROVIDER: there is no such key"),
        ({"BACKENDS_É_PROVIDER": "ollama"}, "backends.é: a name has small letters"),
    ],
)
def test_wrong_variables(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    """C03, C04: named by the variable; all of them at once."""
    found = wrong(tmp_path, BACKEND, {f"INFERENCE_{name}": text for name, text in environ.items()})

    assert any(f"environment: INFERENCE_{said}" in line or said in line for line in found), found


def test_what_is_missing_beside_variables() -> None:
    """P21: a section that only variables make has no line, and its keys have names."""
    with pytest.raises(ConfigError) as caught:
        read_config(None, {"INFERENCE_INFERENCE_BASE_URL": "http://h"})

    assert caught.value.problems == (
        "environment: inference.provider: it is missing: text is needed, for example provider: ollama",
    )


def test_one_variable_for_two_keys(tmp_path: Path) -> None:
    """C07: nobody could tell which is meant."""
    text = "backends: {a-b: {provider: ollama}, a_b: {provider: ollama}}"
    [said] = wrong(tmp_path, text, {"INFERENCE_BACKENDS_A_B_PROFILE": "x"})

    assert said.startswith(
        "environment: INFERENCE_BACKENDS_A_B_PROFILE: it fits two keys, backends.a-b.profile and"
    )


NAMES = st.sampled_from([variable(way) for way, _ in leaves(CONFIG)] + ["INFERENCE_BACKENDS_A_PROVIDER"])
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=9) | JUNK.map(str)


@given(TREES, st.dictionaries(NAMES, TEXTS, max_size=5))
def test_any_variables_over_any_values(tree: dict[str, Any], environ: dict[str, str]) -> None:
    """P21: they have their places, or are wrong."""
    reading = Reading(Place("tree", 1))
    reading.values = tree
    count = read_environment(reading, environ)

    assert count <= len(environ)


def test_a_key_that_is_a_variable_of_its_own(tmp_path: Path) -> None:
    """C08, P24: a variable holds the name of another one, never the key itself; the key is not shown."""
    [said] = wrong(tmp_path, BACKEND, {"INFERENCE_INFERENCE_API_KEY": "sk-canary"})

    assert said == (
        "environment: INFERENCE_INFERENCE_API_KEY: there is no such key; did you mean"
        " INFERENCE_INFERENCE_API_KEY_ENV? It takes the NAME of the variable that holds the key"
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SERVER_PORT", "many", "text, where a whole number from 1 to 65535 is needed; for example 3000"),
        ("SERVER_PORT", '"80"', "text, where a whole number from 1 to 65535 is needed: leave out the quotes"),
        ("SERVER_PAGE", "yes", "text, where true or false is needed: write true"),
        (
            "INFERENCE_HTTP_TIMEOUT_SECS",
            "1m",
            "text, where a number above 0 or null is needed: seconds as a n",
        ),
        (
            "INFERENCE_ALLOWED_MODELS",
            "[1]",
            "inference.allowed_models[0]: 1, where text is needed: put it in",
        ),
        (
            "ROUTES",
            "a",
            "routes[0]: text, where a mapping is needed; for example {model: qwen3-8b, backends: [",
        ),
    ],
)
def test_a_variable_of_a_wrong_type(name: str, value: str, said: str, tmp_path: Path) -> None:
    """C04, C13: the variable is named, and what to put into it."""
    [line] = wrong(tmp_path, BACKEND, {f"INFERENCE_{name}": value})

    assert line.startswith(f"environment: INFERENCE_{name}: {said}")
