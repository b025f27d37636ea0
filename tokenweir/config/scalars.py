"""What one word of a configuration is: a number, true or false, nothing, or text.

Law of this file: pure, and the one rule for words in files and in variables: the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema). `no`, `on`, `1_000`, `1:30` and dates are text.
"""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WORD = re.compile("|".join(f"{re.escape(word)}" for word in _WORDS))
INT = re.compile(r"[-+]?[0-9]{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]{1,100}|[0-9]{1,100}(?:\.[0-9]{0,100})?)(?:[eE][-+]?[0-9]{1,100})?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def read_scalar(text: str) -> Scalar:
    """The value that unquoted text is.

    >>> [read_scalar(text) for text in ("on", "true", "010", "0x1F", "1_000", "5s", "2.5", "~")]
    ['on', True, 10, 31, '1_000', '5s', 2.5, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
