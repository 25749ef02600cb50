"""How the OU tree is organised, for example /Elever/skola/klass."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from addon.proposals.names import ALIKE, NameSimilarity, SchoolName, read_name
from addon.proposals.places import Place
from addon.proposals.scope import Inside, places_of
from addon.proposals.vocabulary import is_class, is_year, plain_words, role_of
from addon.roster.index import DirectoryIndex

SCHOOL, CLASS, YEAR = "skola", "klass", "årskurs"


class Shape(Struct, frozen=True):
    """Where `units` units keep students and staff; empty where they have no OU of their own."""

    students: str
    staff: str
    units: int


def shape_of(
    place: Place | None,
    unit: SchoolName,
    ignored: Collection[str],
    index: DirectoryIndex,
    inside: Inside,
) -> str:
    """The place's path with the school's name, years and classes replaced by placeholders."""
    if place is None or not place.org_units or bool(place.clauses):
        return ""
    path, similarity = place.org_units[0], NameSimilarity([unit])
    segments = [_said(segment, unit, similarity, ignored) for segment in path.split("/")[1:]]
    if place.role == "students":
        segments += _below(path, places_of(index, inside(path)))
    return "/" + "/".join(segments)


def common(shapes: Collection[tuple[str, str]]) -> tuple[Shape, ...]:
    """The shapes (students, staff) of units, most common first."""
    count = Counter(shape for shape in shapes if any(shape))
    return tuple(Shape(*shape, units) for shape, units in count.most_common())


def main_shape(shapes: Sequence[Shape]) -> str:
    """Where most units keep their students, in the most detailed of their forms."""
    paths = {shape.students: 0 for shape in shapes if shape.students}
    for path in paths:
        paths[path] = sum(
            shape.units for shape in shapes if shape.students and _goes_on(path, shape.students)
        )
    return max(paths, key=lambda path: (paths[path], len(path)), default="")


def _goes_on(path: str, start: str) -> bool:
    return (path + "/").startswith(start + "/")


def _said(
    segment: str, unit: SchoolName, similarity: NameSimilarity, ignored: Collection[str]
) -> str:
    name = read_name(segment, ignored)
    if not name.tells or similarity.of(unit, name) < ALIKE:
        return segment
    if name.role is None:
        return SCHOOL
    words = [word for word in segment.replace("-", " ").split() if role_of(plain_words(word))[0]]
    role = words[0].lower() if words else segment
    return f"{SCHOOL} {role}" if segment.lower().endswith(role) else f"{role} {SCHOOL}"


def _below(path: str, people: Mapping[str, int]) -> list[str]:
    """The levels below the OU of most students: none, classes, or years and classes."""
    start = path.rstrip("/") + "/"
    kinds: Counter[tuple[str, ...]] = Counter()
    for place, count in people.items():
        below = place[len(start) :].split("/") if place.startswith(start) else []
        kinds[tuple(filter(None, map(_kind, below)))] += count
    most = kinds.most_common(1)
    return list(most[0][0]) if most else []


def _kind(segment: str) -> str:
    return YEAR if is_year(segment) else CLASS if is_class(segment) else ""
