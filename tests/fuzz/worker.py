"""One fuzzer at work on one target: `python -m tests.fuzz.worker TARGET LIBFUZZER-ARGUMENTS`.

Law of this file: the only one that knows atheris, which must see the library being imported; so everything
else is imported after it, and through it.
"""

import sys
from importlib import import_module
from time import process_time
from typing import Any

SHARE = 1 / 6
"""How much of the time goes into inputs that are made large."""


def main() -> None:
    """Fuzz until libFuzzer's arguments say stop, or a law breaks."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["tokenweir"]):
        import_module("tokenweir.stages")
        targets: Any = import_module("tests.fuzz.targets")
        for module in targets.PROTOCOLS.values():
            import_module(module.partition(":")[0])
    growth: Any = import_module("tests.fuzz.growth")
    mutate: Any = import_module("tests.fuzz.mutate")
    words: Any = import_module("tests.fuzz.words")
    target = targets.targets()[sys.argv[1]]

    spent, last = 0.0, 1.0

    def one(data: bytes) -> None:
        nonlocal spent, last
        targets.check(target, data)
        began = process_time()
        if spent + last < SHARE * began:
            growth.check_growth(target, data)
            last = process_time() - began
            spent += last

    def plain(data: bytes, most: int) -> bytes:
        return bytes(atheris.Mutate(data, most))  # looked up late: Fuzz puts another one there

    mutator = mutate.Mutator(words.words(target), words.seeds(target), plain)
    atheris.Setup(sys.argv[:1] + sys.argv[2:], one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
