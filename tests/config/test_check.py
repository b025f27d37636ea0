"""Every value against the structs; all that is wrong at once, in words for people."""

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.config.configs import BACKEND, wrong
from tests.config.trees import TREES
from tokenweir.config.check import check
from tokenweir.config.reading import Place, Reading
from tokenweir.config.schema import Config
from tokenweir.config.secrets import named_place
from tokenweir.pipeline.json_value import as_list, as_object


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("infrence: {}", "infrence: there is no such key; did you mean 'inference'?"),
        (
            "zzz: 1",
            "zzz: there is no such key. There are: inference, backends, routes, server, limits, prompts",
        ),
        ("port: 1", "port: there is no such key here; did you mean 'server.port'?"),
        ("server: {prot: 1}", "server.prot: there is no such key; did you mean 'port'?"),
        (
            "server: {allow-no-key: true}",
            "server.allow-no-key: there is no such key; did you mean 'allow_no_key'?",
        ),
        (
            "inference: {provider: lmstudio, timeout_secs: 5}",
            "inference.timeout_secs: there is no such key here; did you mean 'http.timeout_secs'?",
        ),
        (
            "backends: {a: {provider: ollama, api_key: x}}",
            f"backends.a.api_key: there is no such key: {named_place('api_key_env')}",
        ),
        (
            "backends: {a: {provider: ollama, keep_warm: {model: x}}}",
            "backends.a.keep_warm.model: there is no such key; did you mean 'models'?",
        ),
        ("routes: [{modle: x}]", "routes[0].modle: there is no such key; did you mean 'model'?"),
        ("prompts: {p: {templat: x}}", "prompts.p.templat: there is no such key; did you mean 'template'?"),
    ],
)
def test_unknown_keys(text: str, said: str, tmp_path: Path) -> None:
    """C03: at each level, with the nearest right name."""
    assert f"gateway.yaml:1: {said}" in wrong(tmp_path, text)


PORT = "a whole number from 1 to 65535"
SERVER = [
    ("port: 0", "port: 0, where a whole number from 1 to 65535 is needed"),
    ("port: 70000", "port: 70000, where a whole number from 1 to 65535 is needed"),
    ("port: '80'", "port: text, where a whole number from 1 to 65535 is needed: leave out the quotes"),
    ("port: true", "port: true, where a whole number from 1 to 65535 is needed; for example port: 3000"),
    ("port: 80.5", "port: 80.5, where a whole number from 1 to 65535 is needed; for example port: 3000"),
    (
        "port:",
        f"port: nothing, where {PORT} is needed: leave it out, or write for example port: 3000",
    ),
    ("host: 5", "host: 5, where text is needed: put it in quotes"),
    ("host: ''", "host: it is empty"),
    ('host: "\\ud800"', "host: it holds half a character: this is no Unicode text"),
    ("page: 1", "page: 1, where true or false is needed; for example page: true"),
    ("page: no", "page: text, where true or false is needed: write page: false"),
    ("log: JSON", "log: there is no such choice; did you mean 'json'?"),
    ("log: jsn", "log: there is no such choice; did you mean 'json'?"),
    ("log: [json]", "log: a list, where one of json, text is needed; for example log: json"),
    (
        "allowed_hosts: a",
        "allowed_hosts: text, where a list is needed; for example allowed_hosts: [llm.example.org]",
    ),
    (
        "allowed_hosts: {a: b}",
        "allowed_hosts: a mapping, where a list is needed; for example allowed_hosts: [llm.example.org]",
    ),
    ("allowed_hosts: [1]", "allowed_hosts[0]: 1, where text is needed: put it in quotes"),
    ("allowed_hosts: [[]]", "allowed_hosts[0]: a list, where text is needed; for example llm.example.org"),
    (
        "api_keys: [x]",
        "api_keys[0]: text, where a mapping is needed; for example {name: laptop, env: LAPTOP_KEY}",
    ),
    ("heartbeat_secs: 16", "heartbeat_secs: 16, where a number above 0 and at most 15 is needed"),
    ("drain_timeout_secs: 0", "drain_timeout_secs: 0, where a number above 0 is needed"),
    ("drain_timeout_secs: -1", "drain_timeout_secs: -1, where a number above 0 is needed"),
    ("drain_timeout_secs: .inf", "drain_timeout_secs: infinity, where a number above 0 is needed"),
    ("drain_timeout_secs: .nan", "drain_timeout_secs: no number (NaN), where a number above 0 is needed"),
    (
        "drain_timeout_secs: 5s",
        "drain_timeout_secs: text, where a number above 0 is needed: seconds as a number: 5",
    ),
    (
        "drain_timeout_secs: true",
        "drain_timeout_secs: true, where a number above 0 is needed; for example drain_timeout_secs: 60",
    ),
]


@pytest.mark.parametrize(("text", "said"), SERVER)
def test_wrong_values(text: str, said: str, tmp_path: Path) -> None:
    """C04: types, bounds and units."""
    assert wrong(tmp_path, f"{BACKEND}server:\n  {text}\n") == [f"gateway.yaml:3: server.{said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "inference: 5",
            "inference: 5, where a mapping or null is needed; for example inference: {provider: oll",
        ),
        (
            "limits:",
            "limits: nothing, where a mapping is needed: leave it out, or write for example limits: {max_",
        ),
        (
            "backends: [{provider: ollama}]",
            "a list, where a mapping is needed; for example backends: {local: {pr",
        ),
        ("inference: {}", "inference.provider: it is missing: text is needed, for example provider: ollama"),
        (
            "backends: {My Box: {provider: ollama}}",
            "digits, - and _, and begins with none of the two: write my-box",
        ),
        ('backends: {"a\\nb": {provider: ollama}}', "backends.'a\\nb': a name has small letters"),
        ("backends: {a: }", "backends.a: nothing, where a mapping is needed"),
        (
            "routes: [{model: x, backends: []}]",
            "routes[0].backends: an empty list, where at least one is needed",
        ),
        (
            f"backends: {{a: {{provider: ollama, default_model: {'x' * 513}}}}}",
            "backends.a.default_model: 513 characters, where at most 512 are taken",
        ),
        (
            "backends: {a: {provider: simulator, options: {rate: [.nan]}}}",
            "backends.a.options.rate[0]: no number (NaN), where a number is needed",
        ),
        (
            'backends: {a: {provider: simulator, options: {"\\udc80": 1}}}',
            "backends.a.options.'\\udc80': it holds half a character",
        ),
        (
            "limits: {max_body_bytes: 10 MiB}",
            "limits.max_body_bytes: text, where a whole number of at least 1 is needed: bytes as a number",
        ),
    ],
)
def test_wrong_shapes(text: str, said: str, tmp_path: Path) -> None:
    """C04: sections, lists, names, and what is handed on as it is."""
    assert any(said in line for line in wrong(tmp_path, text))


def test_all_of_it_at_once(tmp_path: Path) -> None:
    """P21: types and meanings, in the order of the lines; what is wrong hides nothing else."""
    text = (
        "inference:\n  provider: nobody\n  http: {timeout_secs: x}\n"
        "  stages: [5, throttl, {throttle: {rate: 0}}]\n"
        "routes:\n  - {model: a, backends: []}\n  - {model: b, backends: [other]}\nserver: {port: 0}\n"
    )

    assert [line.split(": ")[:2] for line in wrong(tmp_path, text)] == [
        ["gateway.yaml:2", "inference.provider"],
        ["gateway.yaml:3", "inference.http.timeout_secs"],
        ["gateway.yaml:4", "inference.stages[0]"],
        ["gateway.yaml:4", "inference.stages[1]"],
        ["gateway.yaml:4", "inference.stages[2]"],
        ["gateway.yaml:6", "routes[0].backends"],
        ["gateway.yaml:7", "routes[1].backends[0]"],
        ["gateway.yaml:8", "server.port"],
    ]


def test_no_value_is_repeated(tmp_path: Path) -> None:
    """P24: a key in the wrong place is refused without being shown."""
    text = (
        "inference: {provider: openai, api_key_env: [sk-canary], defaults: sk-canary, mode: sk-canary,\n"
        "  api_key: sk-canary, max_concurrent: sk-canary, streaming: {mode: sk-canary},\n"
        "  base_url: 'http://u:sk-canary@h', options: {api_key: sk-canary}}\n"
        "server: {api_keys: [sk-canary, {name: sk-CANARY, env: sk-canary}], host: sk_canary,\n"
        "  allowed_origins: [sk-canary], log: sk-canary}\n"
    )
    found = wrong(tmp_path, text)

    assert len(found) == 14
    assert "canary" not in "\n".join(found).lower()


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any("\ud800" <= sign <= "\udfff" for sign in value)
    named = as_object(value)
    return all(map(_finite, [*as_list(value), *named.keys(), *named.values()]))


@given(TREES)
def test_the_structs_agree(tree: dict[str, Any]) -> None:
    """P21: what is taken converts, and what msgspec takes is taken, but for numbers without an end and
    for text that is none."""
    reading = Reading(Place("tree"))
    reading.values = tree
    config = check(reading)
    try:
        converted = msgspec.convert(tree, Config)
    except msgspec.ValidationError:
        converted = None

    assert reading.sound == (converted is not None and _finite(tree))
    assert not reading.sound or config == converted
