"""A backend that could not be asked is refused at the key that is to be changed."""

import json
import os
from pathlib import Path

import pytest

from tests.config.configs import read, wrong
from tests.distributions import install

NO_ADDRESS = "base_url: this is no address like http://localhost:1234"
WITH_EXTRAS = "base_url: an address has no user, password, query or fragment"
PATH_TOO_LONG = "base_url: leave out what is asked of the address: "


def of_backend(folder: Path, settings: str) -> list[str]:
    """What is wrong with a backend of these settings."""
    start = "gateway.yaml:1: inference."
    found = wrong(folder, f"inference: {{{settings}}}", {"KEY": "a-key"})
    assert [line for line in found if not line.startswith(start)] == []
    return [line.removeprefix(start) for line in found]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:1234", NO_ADDRESS),
        ("file:///etc/passwd", NO_ADDRESS),
        ("unix:///run/llm.sock", NO_ADDRESS),
        ("http://", NO_ADDRESS),
        ("", NO_ADDRESS),
        ("“http://h”", "base_url: its quotes are typographic ones"),
        ("http://h:0", NO_ADDRESS),
        ("http://h:70000", NO_ADDRESS),
        ("http://h:x", NO_ADDRESS),
        ("http://[::1", NO_ADDRESS),
        ("http://a b", NO_ADDRESS),
        ("http://a\\nb", NO_ADDRESS),
        ("http://user:secret@h", WITH_EXTRAS),
        ("http://user:sec/ret@h:x", NO_ADDRESS),
        ("http://h?key=secret", WITH_EXTRAS),
        ("http://h#secret", WITH_EXTRAS),
        ("http://h/v1/chat/completions", PATH_TOO_LONG + "/completions"),
        ("http://h/api/chat/", PATH_TOO_LONG + "/api/chat"),
    ],
)
def test_bad_addresses(url: str, said: str, tmp_path: Path) -> None:
    """C06: none of it is shown, since it may hold a password."""
    [found] = of_backend(tmp_path, f'provider: openai-compatible, base_url: "{url}"')

    assert found.startswith(said)
    assert "secret" not in found


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1234", "https://h/v1/", "http://[::1]:8080/v1", "http://bücher.example", "HTTP://h"],
)
def test_good_addresses(url: str, tmp_path: Path) -> None:
    """C06: with a path or without, by number and in every script."""
    backend = read(
        tmp_path, f"inference: {{provider: openai-compatible, base_url: '{url}'}}"
    ).config.inference

    assert backend is not None
    assert backend.base_url == url


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "provider: lmstudo",
            "provider: no provider 'lmstudo'; did you mean 'lmstudio'? There are: anthropic, ",
        ),
        ("provider: LM Studio", "provider: no provider 'LM Studio': write provider: lmstudio"),
        (
            "provider: OpenAI_compatible",
            "provider: no provider 'OpenAI_compatible': write provider: openai-compat",
        ),
        ("provider: openai-compatible", "base_url: openai-compatible has no usual address: give one"),
        ("provider: simulator, base_url: http://h", "base_url: simulator does not take it"),
        ("provider: simulator, api_key_env: KEY", "api_key_env: simulator does not take it"),
        ("provider: lmstudio, options: {fase: rest}", "options.fase: lmstudio has no such option"),
        ("provider: lmstudio, options: {face: rset}", "options.face: one of openai, rest"),
        (
            "provider: lmstudio, options: {headers: 5}",
            "options.headers: lmstudio cannot take this value: AttributeError",
        ),
        (
            "provider: simulator, options: {rat: 1}",
            "options.rat: simulator has no such option; did you mean 'rate'?",
        ),
        (
            "provider: openai, options: {api_key: sk-x}",
            "options.api_key: this stands elsewhere: api_key_env or",
        ),
        ("provider: openai, options: {base_url: x}", "options.base_url: this stands elsewhere: base_url"),
        ("provider: openai, options: {model: x}", "options.model: this stands elsewhere: default_model"),
        (
            "provider: lmstudio, defaults: {temperature: hot}",
            "defaults.temperature: temperature is a number of at",
        ),
        ("provider: lmstudio, defaults: {stream: true}", "defaults.stream: the request itself says that"),
        ("provider: lmstudio, defaults: {messages: []}", "defaults.messages: the request itself says that"),
        (
            "provider: openai, defaults: {top_k: 5}",
            "defaults.top_k: openai has no such parameter; did you mean 'top_p'",
        ),
        ("provider: mlx, profile: /no/such", "profile: there is no such file"),
        ("provider: mlx, profile: /", "profile: it is a directory, where a file is needed"),
        (
            "provider: mlx, streaming: {coalesce_secs: 11}",
            "streaming.coalesce_secs: text may be held for 10 seconds",
        ),
        ("provider: mlx, stages: [{take: {}}]", "stages[0]: take("),
        (
            "provider: mlx, default_model: a, allowed_models: [b]",
            "default_model: it is none of allowed_models",
        ),
        ("provider: mlx, preload: [bc, a], allowed_models: [b]", "preload[1]: it is none of allowed_models"),
        (
            "provider: mlx, keep_warm: {models: [a]}, allowed_models: [b]",
            "keep_warm.models[0]: it is none of allowed_models",
        ),
        ("provider: mlx, keep_warm: {}", "keep_warm: give `models`, or a default_model"),
        (
            "provider: mlx, http: {timeout_secs: 9, total_timeout_secs: 5}",
            "http.timeout_secs: it is more than total_timeout_secs",
        ),
        (
            "provider: mlx, http: {first_token_timeout_secs: 9, total_timeout_secs: 5}",
            "http.first_token_timeout_secs: it is more than total_timeout_secs",
        ),
    ],
)
def test_what_cannot_be_asked(settings: str, said: str, tmp_path: Path) -> None:
    """C05, C07: each at its key."""
    [found] = of_backend(tmp_path, settings)

    assert found.startswith(said)


@pytest.mark.parametrize(
    "settings",
    [
        "provider: mlx, http: {total_timeout_secs: 5}",
        "provider: mlx, http: {total_timeout_secs: 5, timeout_secs: 5}",
        "provider: lmstudio, default_model: local-model, allowed_models: [qwen3-8b]",
        "provider: lmstudio, default_model: Qwen, allowed_models: [qwen3-8b]",
        "provider: lmstudio, default_model: qwen/qwen3-8b, allowed_models: [8b]",
        "provider: lmstudio, defaults: {mirostat_mode: 2, news: 1, temperature: null}",
        "provider: lmstudio, options: {face: rest, headers: {x-team: a}}, api_key_env: KEY",
        "provider: simulator, options: {cumulative: true, load_seconds: 2}",
        "provider: mlx, keep_warm: {}, default_model: a",
    ],
)
def test_what_can_be_asked(settings: str, tmp_path: Path) -> None:
    """C05: a default that does not fit gives way; a part of a name may be the allowed one."""
    assert read(tmp_path, f"inference: {{{settings}}}", {"KEY": "a-key"}).config.inference is not None


def test_a_profile(tmp_path: Path) -> None:
    """C06: what `tokenweir doctor` wrote, or what is wrong with it; a pipe is not waited for."""
    good = {"profile": "tokenweir", "version": 1, "provider": "mlx", "base_url": "http://h"}
    (tmp_path / "good").write_text(json.dumps(good))
    (tmp_path / "bad").write_text("[]")
    os.mkfifo(tmp_path / "pipe")
    read(tmp_path, f"inference: {{provider: mlx, profile: {tmp_path}/good}}")

    [bad] = of_backend(tmp_path, f"provider: mlx, profile: {tmp_path}/bad")
    [pipe] = of_backend(tmp_path, f"provider: mlx, profile: {tmp_path}/pipe")
    assert bad.startswith("profile: it is no profile as `tokenweir doctor --json` writes them")
    assert pipe == "profile: it is a pipe or a device, where a file is needed"


def test_a_provider_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C07: one that an installed distribution offers; one that breaks is told of, and ends nothing."""
    module = f"source_module_{tmp_path.name}"
    code = (
        "from tokenweir import Source\n"
        "class Own(Source): pass\n"
        "class Broken(Source):\n"
        "    def __init__(self, **_): 1/0\n"
    )
    points = {"tokenweir.sources": {"own": f"{module}:Own", "broken": f"{module}:Broken"}}
    install(tmp_path, "others", points, {f"{module}.py": code})
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - pytest's own annotation

    assert read(tmp_path, "inference: {provider: own, default_model: x}").config.inference is not None
    assert of_backend(tmp_path, "provider: own, base_url: http://h") == ["base_url: own does not take it"]
    assert of_backend(tmp_path, "provider: broken") == ["provider: broken cannot be made: ZeroDivisionError"]
