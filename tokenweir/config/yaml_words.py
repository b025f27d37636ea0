"""What the parser of YAML says, said to people who write a configuration.

Law of this file: pure rules, in a table; what is in none of them stays as the parser says it.
"""

import yaml

_WORDS: tuple[tuple[str, str], ...] = (
    ("found character '\\t'", "a tab stands here: YAML is indented with spaces"),
    (
        "mapping values are not allowed",
        "a key cannot stand here: indent it as its neighbours; `key: value` has a space; quote text with `:`",
    ),
    ("did not find expected key", "it is indented neither as the line above nor as one of those around it"),
    ("expected <block end>", "it is indented neither as the line above nor as one of those around it"),
    ("could not find expected ':'", "this line, or the one above, has no `: ` behind its key"),
    ("expected ',' or ']'", "a list that begins with [ in line {} needs commas, and a ] at its end"),
    ("expected ',' or '}'", "a mapping that begins with {{ in line {} needs commas, and a }} at its end"),
    ("unexpected end of stream", "a quote is opened here and never closed"),
    ("unknown escape character", "a backslash in double quotes means something else: use single quotes"),
    ("expected '<document start>'", "this line is no `key: value`, indented as the ones above"),
    ("cannot start any token", "text that begins with @, ` or % is put in quotes"),
)


def in_words(bad: yaml.MarkedYAMLError) -> tuple[int, str]:
    r"""The line, from 1, and what is wrong there.

    >>> try:
    ...     yaml.safe_load("a:\n\tb: 1")
    ... except yaml.MarkedYAMLError as bad:
    ...     in_words(bad)
    (2, 'a tab stands here: YAML is indented with spaces')
    """
    said = ", ".join(filter(None, (bad.context, bad.problem)))
    what = next((words for sign, words in _WORDS if sign in said), said)
    begun = _line(bad.context_mark)
    line = begun if "quoted scalar" in (bad.context or "") else _line(bad.problem_mark) or begun
    return line or 1, what.format(begun) if what != said else said


def _line(mark: yaml.Mark | None) -> int | None:
    return None if mark is None else mark.line + 1
