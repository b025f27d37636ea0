"""Keys come from variables and files, and are never shown."""

from pathlib import Path

import pytest

from tests.config.configs import read, wrong

CANARY = "sk-canary-0123456789"


def test_from_a_variable_and_a_file(tmp_path: Path) -> None:
    """C08: one line end behind a file's key is no part of it."""
    (tmp_path / "one").write_text(CANARY + "\n")
    (tmp_path / "two").write_text(CANARY + "2\r\n")
    for name in ("one", "two"):
        (tmp_path / name).chmod(0o600)
    text = (
        f"inference: {{provider: openai, api_key_file: {tmp_path}/one}}\n"
        f"backends: {{a: {{provider: ollama, api_key_env: KEY}}, b: {{provider: mlx}}}}\n"
        f"server: {{api_keys: [{{name: x, file: {tmp_path}/two}}, {{name: y, env: OTHER}}]}}\n"
    )
    loaded = read(tmp_path, text, {"KEY": "of a", "OTHER": "of-y"})

    assert loaded.backend_keys == {"inference": CANARY, "a": "of a"}
    assert loaded.keys == {"x": CANARY.encode() + b"2", "y": b"of-y"}
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the variable KEY is not set: export KEY=..."),
        ("", "the variable KEY is empty"),
        (
            f"Bearer {CANARY}",
            "the variable KEY holds more than a key: leave out the word before it, which the header has",
        ),
        (f"{CANARY}\n", "the variable KEY holds a key with white space before or after it"),
        (f"{CANARY} ", "the variable KEY holds a key with white space before or after it"),
        (f" {CANARY}", "the variable KEY holds a key with white space before or after it"),
        (
            f"{CANARY}\nx",
            "the variable KEY holds no key: it has line ends, or characters that no header can hold",
        ),
        (
            f"{CANARY}\x1b",
            "the variable KEY holds no key: it has line ends, or characters that no header can hold",
        ),
        (
            f"{CANARY}é",
            "the variable KEY holds no key: it has line ends, or characters that no header can hold",
        ),
        (
            f"{CANARY}\udcff",
            "the variable KEY holds no key: it has line ends, or characters that no header can hold",
        ),
    ],
)
def test_what_is_no_key(value: str | None, said: str, tmp_path: Path) -> None:
    """C08, P24: told by the variable's name alone, for backends and clients."""
    text = "inference: {provider: openai, api_key_env: KEY}\nserver: {api_keys: [{name: x, env: KEY}]}\n"
    found = wrong(tmp_path, text, {} if value is None else {"KEY": value})

    assert found == [
        f"gateway.yaml:1: inference.api_key_env: {said}",
        f"gateway.yaml:2: server.api_keys[0].env: {said}",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (CANARY.encode() + b"\n\n", "the file holds a key with white space before or after it"),
        (b"a\nb\n", "the file holds no key: it has line ends, or characters that no header can hold"),
        (b"\xff\xfe", "the file holds no key: it has line ends, or characters that no header can hold"),
        (b"x" * 20_000, "it has more than 16384 bytes"),
    ],
)
def test_what_is_no_file_of_a_key(data: bytes | None, said: str, tmp_path: Path) -> None:
    """C08: the same for files."""
    if data is not None:
        (tmp_path / "key").write_bytes(data)
    text = f"inference: {{provider: openai, api_key_file: {tmp_path}/key}}\n"

    assert wrong(tmp_path, text) == [f"gateway.yaml:1: inference.api_key_file: {said}"]


def test_a_file_that_everybody_can_read(tmp_path: Path) -> None:
    """C09: it works, and is told."""
    (tmp_path / "key").write_text(CANARY)
    (tmp_path / "key").chmod(0o644)
    loaded = read(tmp_path, f"\ninference: {{provider: openai, api_key_file: {tmp_path}/key}}\n")

    [said] = loaded.warnings
    assert said.endswith(
        "yaml:2: inference.api_key_file: every user of this machine can read the file: chmod o-r"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "inference: {provider: openai, api_key_env: A, api_key_file: b}",
            "inference.api_key_file: api_key_env is",
        ),
        ("server: {api_keys: [{name: x}]}", "server.api_keys[0]: give `env` or `file`, and one of them only"),
        (
            "server: {api_keys: [{name: x, env: A, file: b}]}",
            "server.api_keys[0]: give `env` or `file`, and one",
        ),
        (
            "server: {api_keys: [{name: x, env: A}, {name: x, env: B}]}",
            "api_keys[1].name: the name 'x' a second time",
        ),
        (
            "server: {api_keys: [{name: x, env: A}, {name: y, env: A}]}",
            "api_keys[1]: it is the same key as that of 'x'",
        ),
    ],
)
def test_what_is_not_clear(text: str, said: str, tmp_path: Path) -> None:
    """C07, C08: each key has one place and one name, and each name one key."""
    assert any(said in line for line in wrong(tmp_path, text, {"A": "aaaaaa", "B": "bbbbbb"}))


@pytest.mark.parametrize("given", ["sk-canary-1", "sk_canary_1", "canary", "sk canary"])
def test_a_key_where_a_name_belongs(given: str, tmp_path: Path) -> None:
    """P24: it is the likeliest mistake, and is not made worse by showing it."""
    client = f"{{api_keys: [{{name: x, file: {given}}}]}}"
    text = f"inference: {{provider: openai, api_key_env: {given}}}\nserver: {client}\n"

    assert "canary" not in "\n".join(wrong(tmp_path, text))


def test_nothing_shows_them(tmp_path: Path) -> None:
    """P24: not `repr`, and not what rich makes of an object."""
    text = "inference: {provider: openai, api_key_env: K}\nserver: {api_keys: [{name: x, env: K}]}\n"
    loaded = read(tmp_path, text, {"K": CANARY})

    assert loaded.keys["x"] == CANARY.encode()
    assert "canary" not in f"{loaded!r} {loaded} {list(loaded.__rich_repr__())}"


@pytest.mark.parametrize(
    "settings", [f"api_key: {CANARY}", f"apiKey: {CANARY}", f"OPENAI_API_KEY: {CANARY}", f"token: {CANARY}"]
)
def test_a_key_that_stands_in_the_file(settings: str, tmp_path: Path) -> None:
    """C08, P24: where it goes and what to type are told, and the key is not."""
    [said] = wrong(tmp_path, f"inference: {{provider: openai, {settings}}}\n")

    assert said == (
        f"gateway.yaml:1: inference.{settings.partition(':')[0]}: there is no such key: write the NAME of a"
        " variable, api_key_env: LLM_API_KEY, and put the key into it: export LLM_API_KEY=..."
    )


@pytest.mark.parametrize("key", [CANARY, "canary0123456789", "canary_0123"])
def test_a_key_where_its_variable_is_named(key: str, tmp_path: Path) -> None:
    """C08, P24: the same, whether it could be a variable's name or not."""
    [backend, client] = wrong(
        tmp_path,
        f"inference: {{provider: openai, api_key_env: {key}}}\n"
        f"server: {{api_keys: [{{name: x, env: {key}}}]}}\n",
    )

    assert backend.endswith(
        "write the NAME of a variable, api_key_env: LLM_API_KEY, and put the key into it:"
        " export LLM_API_KEY=..."
    )
    assert client.endswith(" env: LAPTOP_KEY, and put the key into it: export LAPTOP_KEY=...")
    assert "canary" not in backend + client


@pytest.mark.parametrize("written", ["$BOB_KEY", "${BOB_KEY}"])
def test_a_variable_as_a_shell_writes_it(written: str, tmp_path: Path) -> None:
    """C08: it is named, not written out."""
    [said] = wrong(tmp_path, f"inference: {{provider: openai, api_key_env: '{written}'}}\n")

    assert said.endswith("a variable is named without $ and braces: api_key_env: BOB_KEY")
