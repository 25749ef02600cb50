"""Validates what somebody wrote and reports every fault in it at once, each with its place.

`read` walks a JSON-like value (dict, list, str, int, float, bool, None) against a type made
of msgspec Structs. If the value does not fit the type it records the fault and continues with
a stand-in, so that the checks of meaning that follow can find the other faults as well. It
accepts exactly what `msgspec.convert` accepts. Messages never repeat a value, since a document's
values can be about a person.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Self, TypeVar, cast

import msgspec
from msgspec import inspect

T = TypeVar("T")

LARGEST_TEXT = 10_000
"""Characters of any text."""
MOST_VALUES = 200_000
"""Objects, and values in lists, of all that is read."""
MOST_COMMAS = 3 * MOST_VALUES
"""Commas in a JSON text; more are not worth decoding."""
MOST_KEYS = 1_000
"""Keys of one object."""
MOST_FAULTS = 1_000
"""Faults that are reported."""
TOO_MANY = "has more than {most} values"
LONGEST_GUESSED = 64
"""Characters of a name that may be a mistyped one."""
PLAIN_KEY = re.compile(r"[\w-]{1,64}")


Words = tuple["str | Words", ...]
"""Kinds of values, any of which is accepted; a nested tuple lists the accepted names."""


class Fault(msgspec.Struct, frozen=True):
    """Something wrong, and where: `schoolUnits[2].code`; an empty place is the whole.

    `template` says what is wrong, in English with `{names}` of `values`; it identifies the kind of
    fault, and pages have their own wording for each. `hint` is what may have been meant.
    """

    place: str
    template: str
    values: tuple[tuple[str, str | int | Words], ...] = ()
    hint: str = ""

    @property
    def message(self) -> str:
        """The fault in English, without its place."""
        values = {name: _in_english(value) for name, value in self.values}
        said = self.template.format_map(values) if values else self.template
        return f"{said}; did you mean {self.hint}?" if self.hint else said

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Faults:
    """The faults found so far; those that only follow from another fault are left out."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._stand_ins: set[str] = set()
        self._read = 0

    def count(self, values: int) -> bool:
        """Count values that are to be read; False if they are too many."""
        self._read += values
        if self._read > MOST_VALUES and not self.is_stand_in(""):
            self.stand_in("", TOO_MANY, most=MOST_VALUES)
        return self._read <= MOST_VALUES

    def __len__(self) -> int:
        return len(self._found)

    @property
    def is_full(self) -> bool:
        """Whether no more faults are reported."""
        return len(self._found) >= MOST_FAULTS

    def add(self, place: str, template: str, hint: str = "", **values: str | int | Words) -> None:
        """Record a fault, unless what is at `place` is only a stand-in for another fault."""
        if not self.is_full and not self.is_stand_in(place):
            self._found.append(Fault(place, template, tuple(values.items()), hint))

    def stand_in(
        self, place: str, template: str, hint: str = "", **values: str | int | Words
    ) -> None:
        """Record a fault that leaves nothing at `place` for later checks to look at."""
        self.add(place, template, hint, **values)
        self._stand_ins.add(place)

    def is_stand_in(self, place: str) -> bool:
        """Whether the value read at `place` is a stand-in and not what somebody wrote."""
        return bool(self._stand_ins) and not self._stand_ins.isdisjoint(_around(place))

    def found(self) -> list[Fault]:
        """All faults, grouped by place, list items in their order."""
        return sorted(self._found, key=lambda fault: _natural(fault.place))


class JsonObject(dict[str, object]):
    """A JSON object that remembers the keys that occurred more than once."""

    repeated: tuple[str, ...] = ()

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, object]]) -> Self:
        """Make the object from `pairs`; the last value of a repeated key counts."""
        made = cls(pairs)
        if len(made) < len(pairs):
            counted = Counter(key for key, _ in pairs)
            made.repeated = tuple(key for key in made if counted[key] > 1)
        return made


def read_json(data: bytes, faults: Faults) -> object:
    """The value of a JSON text in UTF-8, with or without BOM; None if there is a fault.

    Objects are JsonObject, so that `read` can report keys that occur twice (RFC 8259,
    section 4, leaves their meaning open).
    """
    if data.count(b",") > MOST_COMMAS:
        faults.stand_in("", TOO_MANY, most=MOST_VALUES)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(data[: error.start].decode("utf-8-sig"))
        guess = "; it looks like UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        template = "line {line}, column {column}: not UTF-8{guess}; save the file as UTF-8"
        faults.stand_in("", template, line=line, column=column, guess=guess)
        return None
    try:
        return cast(
            object,
            json.loads(
                text, object_pairs_hook=JsonObject.from_pairs, parse_constant=_refuse_constant
            ),
        )
    except json.JSONDecodeError as error:
        template = "line {line}, column {column}: not JSON: {why}"
        faults.stand_in("", template, line=error.lineno, column=error.colno, why=error.msg)
    except RecursionError:
        faults.stand_in("", "not a document: nested too deep")
    except ValueError as error:
        faults.stand_in("", "not JSON: {why}", why=str(error))
    return None


def read(value: object, kind: type[T], faults: Faults, place: str = "") -> T:
    """Convert `value` to a `kind`; record faults in `faults` and put stand-ins in the result."""
    return cast(T, _read(value, inspect.type_info(kind), faults, place))


def did_you_mean(given: str, possible: Collection[str]) -> str:
    """`; did you mean X?` when one of `possible` is close to `given`, else nothing."""
    found = closest(given, possible)
    return f"; did you mean {found}?" if found else ""


def closest(given: str, possible: Collection[str]) -> str:
    """The one of `possible` that is close to `given`, or ""."""
    if len(given) > LONGEST_GUESSED:
        return ""
    folded = {name.casefold(): name for name in possible}
    close = difflib.get_close_matches(given.casefold(), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else ""


def one_of(possible: Iterable[str]) -> str:
    """The possible values as text: `one of a, b, c`."""
    return "one of " + ", ".join(possible)


def below(place: str, key: str) -> str:
    """The place of `key` in the object at `place`; odd keys are quoted, long ones cut."""
    if not PLAIN_KEY.fullmatch(key):
        return f"{place}[{json.dumps(key[:64], ensure_ascii=not key.isprintable())}]"
    return f"{place}.{key}" if place else key


def _read(value: object, kind: inspect.Type, faults: Faults, place: str) -> object:
    match kind:
        case inspect.UnionType(types=types):
            kind = next((t for t in types if _fits(value, t)), kind)
            if isinstance(kind, inspect.UnionType):
                return _mismatch(value, kind, faults, place)
            return _read(value, kind, faults, place)
        case _ if not _fits(value, kind):
            return _mismatch(value, kind, faults, place)
        case inspect.StructType():
            return _read_struct(cast(Mapping[str, object], value), kind, faults, place)
        case inspect.VarTupleType(item_type=item):
            items = cast(list[object], value)
            if not faults.count(len(items)):
                return ()
            return tuple(_read(v, item, faults, f"{place}[{n}]") for n, v in enumerate(items))
        case inspect.DictType(key_type=named, value_type=held):
            entries = cast(Mapping[str, object], value)
            if not faults.count(len(entries)):
                return {}
            _note_repeated(entries, faults, place)
            for key in entries if isinstance(named, inspect.LiteralType) else ():
                _read(key, named, faults, below(place, key))
            return {k: _read(v, held, faults, below(place, k)) for k, v in entries.items()}
        case inspect.LiteralType(values=values) if value not in values:
            names = sorted(str(v) for v in values)
            hint = closest(str(value), names)
            faults.stand_in(place, "must be one of {names}", hint, names=", ".join(names))
            return _blank(kind)
        case inspect.StrType() if not _is_text(cast(str, value)):
            faults.stand_in(place, "holds half of a surrogate pair, which is no character")
            return ""
        case inspect.StrType() if len(cast(str, value)) > LARGEST_TEXT:
            faults.stand_in(place, "is longer than {most} characters", most=LARGEST_TEXT)
            return ""
        case inspect.FloatType():
            return _as_float(cast(float, value), faults, place)
        case inspect.DateType():
            return _as_date(cast(str, value), faults, place)
        case _:
            return value


def _read_struct(
    value: Mapping[str, object], kind: inspect.StructType, faults: Faults, place: str
) -> object:
    fields = {f.encode_name: f for f in kind.fields}
    if len(value) > MOST_KEYS or not faults.count(1):
        faults.stand_in(place, TOO_MANY, most=MOST_KEYS)
        return _blank(kind)
    _note_repeated(value, faults, place)
    for key in value:
        if key not in fields:
            if faults.is_full:
                break
            absent = [name for name in fields if name not in value]
            faults.add(below(place, key), "unknown key", closest(key, absent))
    made: dict[str, object] = {}
    for key, f in fields.items():
        if key in value:
            made[f.name] = _read(value[key], f.type, faults, below(place, key))
        elif f.required:
            faults.stand_in(below(place, key), "missing")
            made[f.name] = _blank(f.type)
    return kind.cls(**made)


def _note_repeated(value: Mapping[str, object], faults: Faults, place: str) -> None:
    for key in value.repeated if isinstance(value, JsonObject) else ():
        faults.add(below(place, key), "given more than once")


def _mismatch(value: object, kind: inspect.Type, faults: Faults, place: str) -> object:
    faults.stand_in(
        place, "must be {wanted}, not {given}", wanted=_wanted(kind), given=(_given(value),)
    )
    return _blank(kind)


def _fits(value: object, kind: inspect.Type) -> bool:
    """Whether `value` is of the right kind, whatever it contains."""
    match kind:
        case inspect.UnionType(types=types):
            return any(_fits(value, t) for t in types)
        case inspect.StrType() | inspect.LiteralType() | inspect.DateType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case inspect.NoneType():
            return value is None
        case inspect.VarTupleType():
            return isinstance(value, list | tuple)
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
    raise TypeError(f"validation.read cannot check a {type(kind).__name__}")


def _wanted(kind: inspect.Type) -> Words:
    match kind:
        case inspect.UnionType(types=types):
            return tuple(word for t in types for word in _wanted(t))
        case inspect.LiteralType(values=values):
            return (tuple(sorted(str(v) for v in values)),)
        case inspect.VarTupleType(item_type=item):
            return ("a list of text" if isinstance(item, inspect.StrType) else "a list",)
    return (NAMES[type(kind)],)


def _in_english(value: str | int | Words) -> str | int:
    if not isinstance(value, tuple):
        return value
    words = (word if isinstance(word, str) else one_of(map(str, word)) for word in value)
    return " or ".join(words)


NAMES: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.DateType: "a date",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.NoneType: "null",
    inspect.StructType: "an object",
    inspect.DictType: "an object",
}


def _given(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
    return f"a {type(value).__name__}"


def _blank(kind: inspect.Type) -> object:
    """A stand-in of the right kind for a value that is missing or wrong."""
    match kind:
        case inspect.UnionType(types=types):
            return None if any(isinstance(t, inspect.NoneType) for t in types) else _blank(types[0])
        case inspect.VarTupleType():
            return ()
        case inspect.DictType():
            return {}
        case inspect.IntType() | inspect.FloatType() | inspect.BoolType():
            return 0
        case inspect.StructType(fields=fields, cls=cls):
            return cls(**{f.name: _blank(f.type) for f in fields if f.required})
        case inspect.DateType():
            return date.min
    return ""


def _as_float(value: float, faults: Faults, place: str) -> float:
    try:
        return float(value)
    except OverflowError:
        faults.stand_in(place, "is too large a number")
        return 0.0


def _as_date(value: str, faults: Faults, place: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        faults.stand_in(place, "must be a date such as {example}", example="2027-06-15")
        return date.min


def _is_text(value: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in value)


def _around(place: str) -> set[str]:
    """The place and all that it is within."""
    cuts = (n for n, character in enumerate(place) if character in ".[")
    return {"", place, *(place[:n] for n in cuts)}


def _natural(place: str) -> list[tuple[str, int]]:
    return [(w, int(n or 0)) for n, w in re.findall(r"\[(\d+)\]|([^.\[]+|\[.)", place)]


def _line_and_column(before: str) -> tuple[int, int]:
    return before.count(chr(10)) + 1, len(before) - before.rfind(chr(10))


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")
