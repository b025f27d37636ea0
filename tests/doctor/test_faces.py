"""Which APIs are there, by how their addresses answer."""

from tokenweir.doctor.faces import FACES, HOSTED, NOTHING, Met, faces_of, server_of
from tokenweir.pipeline.sources.connect import SOURCES


def met(default: Met, **others: Met) -> dict[str, Met]:
    """How each address answered: `default`, where it is not a face of its own."""
    answers = {path: Met(default.status, default.text.replace("PATH", path)) for path in FACES.values()}
    answers[NOTHING] = Met(default.status, default.text.replace("PATH", NOTHING))
    return answers | {FACES[name.replace("_", "-")]: answer for name, answer in others.items()}


def test_a_face_answers_otherwise_than_nothing_does() -> None:
    """Where every address is 404, and where all are 200 with an error that quotes them (LM Studio)."""
    refused = Met(400, "'messages' is required")
    missing = met(Met(404, "Not Found"), openai_chat=refused, anthropic=Met(404, "something else"))
    polite = met(Met(200, "Unexpected endpoint (POST PATH)"), openai_chat=refused)

    assert faces_of(missing) == ("openai-chat",)
    assert faces_of(polite) == ("openai-chat",)
    assert faces_of(met(Met(401, "no key"))) == ()
    assert faces_of(met(Met(None, ""), openai_chat=Met(405, ""))) == ()


def test_a_server_that_is_known_by_its_faces_alone() -> None:
    """The face that most clients ask is the one to ask."""
    chosen = [server_of(faces) for faces in (("openai-chat", "anthropic"), ("anthropic",), ())]

    assert [server and server.provider for server in chosen] == ["openai-compatible", "anthropic", None]


def test_hosted_faces_are_of_known_providers() -> None:
    """Nobody is asked what is in the table."""
    assert set(HOSTED) <= set(SOURCES)
