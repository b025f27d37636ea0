"""What is noted, though it is no fault."""

from pathlib import Path

import pytest

from tests.config.configs import read

LOCAL = "backends:\n  a: {provider: ollama, default_model: q, allowed_models: [q, r]}\n"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("  b: {provider: vllm, allowed_models: [s, r]}\n", ["backends.b.allowed_models[1]"]),
        ("  b: {provider: vllm, default_model: q}\n", ["backends.b.default_model"]),
        ("  b: {provider: vllm, default_model: q, allowed_models: [q]}\n", ["backends.b.allowed_models[0]"]),
        ("  b: {provider: vllm, default_model: local-model}\n", []),
        ("  b: {provider: vllm, allowed_models: [s, rr]}\n", []),
        ("  b: {provider: vllm, allowed_models: [r]}\nroutes: [{model: 'r*', backends: [b]}]\n", []),
        (
            "  b: {provider: vllm, allowed_models: [r]}\nroutes: [{model: q, backends: [b]}]\n",
            ["backends.b.allowed_models[0]"],
        ),
    ],
)
def test_a_model_that_two_backends_name(text: str, keys: list[str], tmp_path: Path) -> None:
    """C07: it is no fault, and the second of them waits for requests that do not come."""
    notes = [line.removeprefix(f"{tmp_path}/gateway.yaml:") for line in read(tmp_path, LOCAL + text).warnings]

    assert [line.split(": ")[1] for line in notes] == keys
    assert all(line.startswith("3: ") for line in notes)


def test_what_is_said_of_such_a_model(tmp_path: Path) -> None:
    """C07: who answers, and by which name the other one is asked."""
    [said] = read(tmp_path, LOCAL + "  b: {provider: vllm, allowed_models: [r]}\n").warnings

    assert said.endswith(
        ": 'a' names this model too and comes first: 'b' answers requests for b/r alone, or those that a"
        " route gives it"
    )


@pytest.mark.parametrize("text", ["inference:\n", "inference: ~\nbackends: {}\n"])
def test_a_section_with_nothing_in_it(text: str, tmp_path: Path) -> None:
    """C01: whoever began it is told that it counts for nothing."""
    assert read(tmp_path, text).warnings == (
        f"{tmp_path}/gateway.yaml:1: inference: nothing stands below it: it counts as left out",
    )
