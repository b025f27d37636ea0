"""Variables into a stored prompt, by plain substitution.

Law of this file: pure, and no template language. `{{name}}` is replaced once by a value's text; what stands
in a value is text and is never looked at again, and nothing is ever evaluated (fault S11).
"""

import re
from collections.abc import Mapping

from tokenweir.config.schema import Prompt
from tokenweir.gateway.refused import bad_request

Value = str | bool | int | float

_PLACE = re.compile(r"\{\{ *([^\W\d]\w*) *\}\}")


def places(prompt: Prompt) -> list[str]:
    """The names that a prompt has places for, in their order.

    >>> places(Prompt(template="{{who}}: {{7*7}} {{ what }}"))
    ['who', 'what']
    """
    return list(dict.fromkeys(_PLACE.findall(f"{prompt.system or ''}\n{prompt.template}")))


def messages_of(prompt: Prompt, variables: Mapping[str, Value]) -> list[dict[str, str]]:
    """The messages of a prompt with its variables. Raises Refused for those that are missing, and those
    that it does not have.

    >>> messages_of(Prompt(template="Hi {{who}}"), {"who": "{{who}}"})
    [{'role': 'user', 'content': 'Hi {{who}}'}]
    """
    names = places(prompt)
    missing = [name for name in names if name not in variables]
    unknown = [name for name in variables if name not in names]
    if missing:
        raise bad_request(f"variables are missing: {', '.join(missing)}", "variables")
    if unknown:
        there = f"it has {', '.join(names)}" if names else "it has none"
        raise bad_request(f"the prompt has no such variables: {', '.join(unknown)}; {there}", "variables")
    texts = [("system", prompt.system)] if prompt.system is not None else []
    return [
        {"role": role, "content": _filled(text, variables)}
        for role, text in (*texts, ("user", prompt.template))
    ]


def _filled(text: str, variables: Mapping[str, Value]) -> str:
    return _PLACE.sub(lambda place: text_of(variables[place[1]]), text)


def text_of(value: Value) -> str:
    """A value as it stands in a text; true and false as JSON has them.

    >>> text_of(True), text_of(1.5), text_of("x")
    ('true', '1.5', 'x')
    """
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
