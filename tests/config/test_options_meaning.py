"""A provider's options: each that is wrong is told by its name, in one run."""

from pathlib import Path

import pytest

from tests.config.configs import wrong


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("models: sk-x", ["models: text, where a list is needed"]),
        ("rate: sk-x", ["rate: text, where a number or null is needed"]),
        ("cumulative: 1", ["cumulative: a whole number, where true or false is needed"]),
        ("rate: -1", ["rate: tokens per second, more than 0, or None"]),
        (
            "rate: x, fault: stal, rat: 1",
            [
                "rat: simulator has no such option; did you mean 'rate'?",
                "rate: text, where a number or null is needed",
                "fault: did you mean 'stall'?",
            ],
        ),
    ],
)
def test_each_by_its_name(options: str, said: list[str], tmp_path: Path) -> None:
    """P21, P24: in words for people, and without what was written."""
    found = wrong(tmp_path, f"inference: {{provider: simulator, options: {{{options}}}}}\n")

    assert [line.removeprefix("gateway.yaml:1: inference.options.") for line in found] == said


def test_what_breaks_a_provider_hides_nothing(tmp_path: Path) -> None:
    """P21: options of a wrong type, unknown ones and what needs the provider itself, all at once."""
    text = (
        "inference:\n  provider: openai\n  options: {headers: 5, foo: 1}\n"
        "  defaults: {top_k: 5}\n  api_key_env: KEY\n"
    )

    assert wrong(tmp_path, text, {"KEY": "a-key"}) == [
        "gateway.yaml:3: inference.options.foo: openai has no such option",
        "gateway.yaml:3: inference.options.headers: openai cannot take this value: AttributeError",
        "gateway.yaml:4: inference.defaults.top_k: openai has no such parameter; did you mean 'top_p'?",
    ]
