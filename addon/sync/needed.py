"""What it takes to prove a loss: questions to ask, none, or nothing that can. Pure."""

from collections.abc import Mapping

from addon.directory.evidence import Absent, Answer, Question

Needed = tuple[Question, ...] | None
"""Questions whose answers would decide: none, so it is decided; None, so nothing can."""

DECIDED: Needed = ()
UNDECIDED: Needed = None


def asked(answers: Mapping[Question, Answer], question: Question) -> Needed:
    """DECIDED if the directory has answered that it is absent, else what to ask."""
    answer = answers.get(question)
    if answer is None:
        return (question,)
    return DECIDED if isinstance(answer, Absent) else UNDECIDED


def both(one: Needed, other: Needed) -> Needed:
    """What it takes to prove two things."""
    if one is None or other is None:
        return UNDECIDED
    return tuple(dict.fromkeys((*one, *other)))
