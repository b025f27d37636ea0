"""Variables are text, and stay so (fault S11)."""

import pytest

from tokenweir.config.schema import Prompt
from tokenweir.gateway.prompt_fill import Value, messages_of, places
from tokenweir.gateway.refused import Refused


def test_each_place_gets_its_value() -> None:
    """In both messages, with blanks or without, as often as it stands there."""
    prompt = Prompt(system="For {{who}}.", template="{{ who }}, {{n}} and {{Größe}} and {{who}}: {{yes}}")
    values: dict[str, Value] = {"who": "Ann", "n": 1.5, "Größe": 3, "yes": True}

    assert messages_of(prompt, values) == [
        {"role": "system", "content": "For Ann."},
        {"role": "user", "content": "Ann, 1.5 and 3 and Ann: true"},
    ]


@pytest.mark.parametrize(
    "text",
    ["{{7*7}}", "{0.__class__}", "{{ who.__class__ }}", "%(who)s", "${who}", "{% if who %}", r"\1", "{who}"],
)
def test_nothing_is_evaluated(text: str) -> None:
    """S11: no template language, in the stored prompt or in a value."""
    [stored] = messages_of(Prompt(template=f"{text} {{{{who}}}}"), {"who": text})

    assert stored["content"] == f"{text} {text}"


def test_a_value_is_not_looked_at_again() -> None:
    """S11: a place in a value is text, whichever variable it names."""
    prompt = Prompt(template="{{a}}{{b}}")

    assert messages_of(prompt, {"a": "{{b}}", "b": "{{a}}"})[0]["content"] == "{{b}}{{a}}"


def test_missing_and_unknown_variables_are_named() -> None:
    """All of them at once."""
    prompt = Prompt(template="{{a}} {{b}} {{c}}")
    assert places(prompt) == ["a", "b", "c"]

    with pytest.raises(Refused, match="missing: a, c") as missing:
        messages_of(prompt, {"b": "x", "d": "y"})
    with pytest.raises(Refused, match="no such variables: d, e; it has a, b, c"):
        messages_of(prompt, {"a": "", "b": "", "c": "", "d": "", "e": ""})
    with pytest.raises(Refused, match="it has none"):
        messages_of(Prompt(template="x"), {"d": ""})
    assert (missing.value.status, missing.value.param) == (400, "variables")
