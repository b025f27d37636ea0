"""What is no YAML, in words for people."""

import pytest
import yaml

from tokenweir.config.yaml_words import in_words


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a:\n\tb: 1", 2, "a tab stands here"),
        ("a:\n  b: 1\n   c: 2", 3, "a key cannot stand here"),
        ("a:\n  b:1\n  c: 2", 3, "a key cannot stand here"),
        ("a: Say: it", 1, "a key cannot stand here"),
        ("a:\n  b: 1\n c: 2", 3, "it is indented neither as the line above"),
        ("a:\n  - b\n - c", 3, "it is indented neither as the line above"),
        ("a: 1\nb\n", 3, "this line, or the one above, has no `: ` behind its key"),
        ("a: [b\nc: 1\n", 2, "a list that begins with [ in line 1 needs"),
        ("a: {b: 1\nc: 1\n", 2, "a mapping that begins with { in line 1 needs commas, and a }"),
        ("b: 1\na: 'x\n\n\n", 2, "a quote is opened here and never closed"),
        ("[a]\nb = 1", 2, "this line is no `key: value`"),
        ("a: @b", 1, "text that begins with @"),
        ("a: `b`", 1, "text that begins with @"),
        ("a: %b", 1, "text that begins with @"),
        ('a: "C:\\data"', 1, "a backslash in double quotes means something else"),
        ("a: !!x:y !z! 1", 1, ""),
    ],
)
def test_what_people_do(text: str, line: int, said: str) -> None:
    """C04: the line to look at, and what to do there."""
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        list(yaml.parse(text, Loader=yaml.SafeLoader))
    found, what = in_words(caught.value)

    assert what.startswith(said)
    assert found == line
