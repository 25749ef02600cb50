"""The words with which Swedish schools name their OUs and groups, and what they mean.

Most functions take words from `plain_words`: lower case, å and ä as a, ö as o.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal
from unicodedata import combining, normalize

Role = Literal["students", "staff"]

STUDENT_WORDS = frozenset(
    "elev elever eleverna elevkonto elevkonton barn pupil pupils student students studenter"
    " studerande deltagare kursdeltagare elevkatalog skolelever".split()
)
STAFF_WORDS = frozenset(
    "personal personalen personalkonto personalkonton larare lararna larar pedagog pedagoger"
    " utbildare instruktorer lararpersonal skolpersonal pedagogisk staff"
    " teacher teachers faculty anstallda medarbetare lararkonton pers".split()
)
_STUDENT_ENDINGS = ("elever", "studerande", "deltagare", "elev")
_STAFF_ENDINGS = ("personal", "larare", "pedagoger")
PROGRAMMES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("natur", "naturvetenskap", "naturvetenskapsprogrammet"), ("NA",)),
    **dict.fromkeys(("teknik", "teknikprogrammet", "tekniska"), ("TE",)),
    **dict.fromkeys(("samhall", "samhalle", "samhallsvetenskap", "samhallsprogrammet"), ("SA",)),
    **dict.fromkeys(("ekonomi", "ekonomiprogrammet"), ("EK",)),
    **dict.fromkeys(("estet", "estetiska", "estetisk", "musik"), ("ES",)),
    **dict.fromkeys(("humanistiska", "humaniora"), ("HU",)),
    **dict.fromkeys(("bygg", "anlaggning"), ("BA",)),
    **dict.fromkeys(("el", "energi"), ("EE",)),
    **dict.fromkeys(("fordon", "transport"), ("FT",)),
    **dict.fromkeys(("handel", "administration"), ("HA", "FS")),
    **dict.fromkeys(("hotell", "turism"), ("HT",)),
    **dict.fromkeys(("industri", "industritekniska"), ("IN",)),
    **dict.fromkeys(("naturbruk", "lantbruk"), ("NB",)),
    **dict.fromkeys(("restaurang", "livsmedel"), ("RL",)),
    **dict.fromkeys(("vvs", "fastighet"), ("VF",)),
    **dict.fromkeys(("vard", "omsorg", "vardprogrammet"), ("VO",)),
    **dict.fromkeys(("introduktion", "introduktionsprogram", "sprakintroduktion"), ("IM",)),
}
"""The codes of upper secondary programmes by the words that name them."""
_TITLES = tuple(
    "rektor bitrektor fritidsledare fritidspedagog pedagog forskollarare speciallarare"
    " specialpedagog kurator skolskoterska assistent elevassistent resurs barnskotare"
    " vaktmastare administrator studievagledare syv bibliotekarie modersmalslarare vikarie"
    " principal headmaster".split()
)
_TITLE_ENDINGS = tuple(
    "administrator ledare pedagog assistent sekreterare chef samordnare handledare skotare"
    " terapeut psykolog skoterska koordinator tekniker coach handlaggare mastare bibliotekarie"
    " utvecklare strateg radgivare vagledare instruktor vardare kock".split()
)
_STAFF_TITLES = tuple(title for title in _TITLES if title not in ("resurs", "assistent"))
_STAFF_PARTS = frozenset(
    "administration adm kansli kansliet expedition expeditionen ledning skolledning skolledare"
    " ledningsgrupp elevhalsa elevhalsan elevhalsoteam kok koket maltid maltidspersonal"
    " vaktmasteri vaktmastare lokalvard stadare fritidspersonal rektorer och office"
    " leadership".split()
)
_STAFF_PARTS_AMONG_STAFF = frozenset(
    "fritids fritidshem fritidshemmet mentorer arbetslag resurser stod teaching".split()
)
"""These may be pupils' too, where nothing above says that they are staff."""
_OFFICE = ("utbildning", "bildning", "forvaltning", "kontor", "ungdom", "namnd", "halsa")
GUEST_WORDS = frozenset("gast gaster gasten guest guests".split())
NO_LESSON_WORDS = tuple(
    "fritids mentor arbetslag elevrad elevkar alla all vardnadshavare foraldra foraldrar styrelse"
    " ledning ledningsgrupp klassrad trygghetsteam nyhetsbrev information infogrupp utskick"
    " elevhalso team teamet everyone allstudents allstaff larlag amneslag".split()
)
"""What the names of groups begin with that are no lessons."""
_LANGUAGE_SUPPORT = frozenset(
    "eal esl ell ssl sva modersmal modersmalsgrupp studiehandledning laxhjalp sprakgrupp"
    " sprakstod spraksluss studiestod".split()
)
_LONG_NO_LESSON = tuple(word for word in NO_LESSON_WORDS if len(word) > 4)
LEFT_WORDS = frozenset(
    "slutat slutade avslutat avslutad avslutade avslutas arkiv arkiverad arkiverade archive"
    " archived left former inaktiv inaktiva inaktiverade alumni alumner utflyttade gamla"
    " tidigare borttagna raderade raderas papperskorg old gammal gammalt nedlagd nedlagda nedlagt"
    " utgangna utgatt avgatt avgangna slutelever exelever leavers deleted disabled"
    " flyttat flyttade flyttad avflyttat avflyttade bortflyttade avregistrerade".split()
)
_LEAVING_WORDS = frozenset(
    "examen avgang avgangselever avgangsar studenter student studenten graduated graduates".split()
)
"""What stands before the year in which people leave or have left: Examen 2025."""
_VISITORS = tuple("besok prova prao provelev trial visiting visitor".split())
_BOARD = ("styrelse", "styrelsen")
_OTHERS = frozenset("board pta vardnadshavare foraldrar foraldraforening parents".split())
_PROGRAMME_CLASS = re.compile(r"[a-z]{2,5}[\s-]?[1-4][a-z]?")
_SCHOOL_YEAR = re.compile(r"(?<!\d)(20\d\d|\d\d)\s?[-/_]\s?(?:20\d\d|\d\d)(?!\d)")
_TERM = re.compile(
    r"(?<![a-z0-9])(?:(?P<season>ht|vt)[\s_-]?(?:20)?(?P<term>\d\d)"
    r"|(?:lasar|la)?[\s_-]?(?:20)?(?P<first>\d\d)(?P<between>[-/_]?)(?:20)?(?P<second>\d\d))"
    r"(?![a-z0-9])"
)
_ADAPTED_CLASS = re.compile(
    r"(?:\d(?:\s?-\s?\d)?[\s_-]?)?(?:ag|agr|ags|anp|gran|grsar|gysar|sar|sarskola|traning|traningsskola"
    r"|tr|anpassad|anpassade|inriktning amnesomraden)(?:[\s_-]?(?:\d(?:\s?-\s?\d)?|[a-e]))?"
)
_FIRST_TERM = 14
_DEVICE_WORDS = frozenset(
    "device devices chromebook chromebooks ipads ipad kiosk kiosker skarmar skrivare"
    " vikarier vikarie timvikarier larplattor surfplattor datorer"
    " testkonton provkonton funktionskonton".split()
)
_DEVICE_ENDINGS = ("datorer", "chromebooks", "ipads", "plattor", "konferensrum")
_PROTECTED = re.compile(
    r"skyddad[et]?(?:id|identitet|identiteter|elev|elever|person|personer|personuppgifter)?"
    r"|skyddat|sekretess\w*|protected|sekr|skyddsmarkerad[e]?|kvarskrivna?|kvarskrivning"
)
_COLON_FORMS: Mapping[str, str] = {
    "s:t": "sankt",
    "s:ta": "sankta",
    "n:a": "norra",
    "s:a": "södra",
    "v:a": "västra",
    "ö:a": "östra",
    "l:a": "lilla",
    "st:a": "stora",
    "g:a": "gamla",
}
_WITH_COLON = re.compile(rf"(?i)\b(?:{'|'.join(_COLON_FORMS)})\b")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_STAGE = re.compile(r"\b(?:ak|arskurs|ar)?\s*(fk|f|\d)\s?-\s?(\d)(?![a-z0-9])")
_STAGE_WORDS = {
    "lagstadiet": range(0, 4),
    "lagstadie": range(0, 4),
    "lagstadium": range(0, 4),
    "mellanstadium": range(4, 7),
    "hogstadium": range(7, 10),
    "mellanstadiet": range(4, 7),
    "mellanstadie": range(4, 7),
    "hogstadiet": range(7, 10),
    "hogstadie": range(7, 10),
}
_YEAR = re.compile(r"(?:ak|arskurs|ar|year|grade)[\s_.-]*\d{1,2}")
_CLASS = re.compile(
    r"(?:klass|class)?[\s_.-]*(?:ak\s?)?(?:"
    r"(?:fk|f|\d{1,2})[\s_.:-]?(?:[a-z]{1,3}\d?|\d[a-z]?)?|f-klass|forskoleklass"  # 7A, F, FA, 7:1
    r"|[a-z]{2,4}[\s_-]?\d{2}[a-z]{0,4}\d?|\d{2}[\s_-]?[a-z]{2,6}"  # NA24A, 24NA
    r"|\d\s?-\s?\d[\s_-]?[a-z]*|sfi[\s_-]?[a-d1-4]\w{0,2}"
    r")(?:[\s_-]+(?:grupp|gr)?[\s_-]*\d{1,2})?"
)
_THING = (
    r"(?:ipads?|chromebooks?|surfplatt(?:a|or)|larplatt(?:a|or)|platta|padda|tablet|device|enhet"
    r"|kiosk|dator|elevdator|klassdator|lanedator|lanekonto|skarm|tv|skrivare|laptop)"
)
_DEVICE = re.compile(
    rf"^((?:{_THING}(?:[-_.][a-zåäö]+){{0,2}}"  # ipad-12, chromebook-lan-3
    rf"|(?:[a-zåäö]+[-_.]){{1,2}}{_THING}"  # norra-ipad-12
    r"|(?:prov|provkonto|test|testkonto|testelev|testlarare|test[-_.]?elev|test[-_.]?larare"
    r"|(?:elev|larare|student|teacher|user)[-_.]?(?:test|demo)|gastelev|provapa|prova[-_.]pa"
    r"|demo|demokonto|demo[-_.]?(?:elev|larare|student|teacher)|vikarie|vik"
    r"|timvikarie|extra|lararvikarie|vikarier)"
    r")[-_.]?)\d+@"
)
_FUNCTIONS = frozenset(
    "expedition expeditionen info rektor rektorn kansli kansliet reception receptionen"
    " skolskoterska skolskoterskan elevhalsa"
    " elevhalsan skrivare printer scanner kopiator vaktmastare"
    " vaktmastaren bibliotek biblioteket matsal koket kok support itsupport admin administrator"
    " administration franvaro sjukanmalan bokning konferensrum personalrum sekreterare noreply"
    " studievagledare syv fritids fritidshem kurator skolan skoladmin test testkonto demo service"
    " systemkonto backup classroom".split()
)


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """The text in lower case with å, ä, ö and the like as a, a, o."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered
    return "".join(each for each in normalize("NFKD", lowered) if not combining(each))


@lru_cache(maxsize=65536)
def plain_words(text: str) -> tuple[str, ...]:
    """The plain words of a text."""
    return tuple(word for word in _NOT_WORD.split(plain(text)) if word)


def spelled_out(text: str) -> str:
    """The text with the usual short forms of names in full: S:t Olof, N:a skolan."""
    return _WITH_COLON.sub(lambda found: _COLON_FORMS[found[0].casefold()], text)


def role_of(words: Sequence[str]) -> tuple[Role | None, tuple[str, ...]]:
    """The role that words name, students or staff, and the words without those that name it.

    None when they name both roles, or the administration for children and education.
    """
    found: set[Role] = set()
    rest: list[str] = []
    for word in words:
        role, left = _role_of(word)
        if role is None:
            rest.append(word)
            continue
        found.add(role)
        if left:
            rest.append(left)
    if found and any(word.startswith(_OFFICE) or word.endswith(_OFFICE) for word in rest):
        return None, tuple(words)
    return (found.pop() if len(found) == 1 else None), tuple(rest)


@lru_cache(maxsize=16384)
def _role_of(word: str) -> tuple[Role | None, str]:
    if word in STUDENT_WORDS:
        return "students", ""
    if word in STAFF_WORDS:
        return "staff", ""
    for ending in _STUDENT_ENDINGS:
        if word.endswith(ending):
            return "students", word.removesuffix(ending)
    for ending in _STAFF_ENDINGS:
        if word.endswith(ending):
            return "staff", word.removesuffix(ending)
    return None, word


def is_no_lesson(words: Sequence[str]) -> bool:
    """Whether words mean a group for something other than lessons: fritids, mentor, arbetslag."""
    return any(word.startswith(_LONG_NO_LESSON) or word in NO_LESSON_WORDS for word in words)


def is_language_support(words: Sequence[str]) -> bool:
    """Whether words mean a group for languages or support beside classes: EAL, Modersmål."""
    text = " ".join(words)
    return not _LANGUAGE_SUPPORT.isdisjoint(words) or any(
        said in text for said in ("mother tongue", "study support", "language support")
    )


def is_left(words: Sequence[str]) -> bool:
    """Whether words mean people who have left."""
    return not LEFT_WORDS.isdisjoint(words)


def left_by(words: Sequence[str], autumn: int | None) -> bool:
    """Whether words mean people who had left when the school year of `autumn` began: Examen 2025.

    One more year, as in "Avgång 2026", is of those who are still there.
    """
    if is_left(words):
        return True
    years = [word for word in words if len(word) == 4 and word.startswith("20") and word.isdigit()]
    if autumn is None or len(years) != 1 or _LEAVING_WORDS.isdisjoint(words):
        return False
    return int(years[0]) <= autumn


def is_outside(words: Sequence[str]) -> bool:
    """Whether words mean people who are not enrolled or employed: visiting pupils, the board."""
    return any(
        word.startswith(_VISITORS) or word in _OTHERS or word.endswith(_BOARD) for word in words
    )


@lru_cache(maxsize=65536)
def says_left(text: str) -> bool:
    """Whether a value, such as a title or class, says that a person has left and nothing else."""
    words = [word for word in plain_words(text) if word not in STUDENT_WORDS | STAFF_WORDS]
    return bool(words) and LEFT_WORDS.issuperset(words)


def is_for_devices(words: Sequence[str]) -> bool:
    """Whether words mean shared devices: Chromebooks, Shared devices, iPads."""
    return any(word in _DEVICE_WORDS or word.endswith(_DEVICE_ENDINGS) for word in words)


def is_staff_part(words: Sequence[str], among_staff: bool = False) -> bool:
    """Whether words name a part of a school's staff and nothing else: Administration, Kök.

    Fritids and the like count if an OU above says that its people are staff (`among_staff`).
    """
    known = _STAFF_PARTS | _STAFF_PARTS_AMONG_STAFF if among_staff else _STAFF_PARTS
    return bool(words) and all(
        w in known or w.startswith(_STAFF_TITLES) or w in STAFF_WORDS for w in words
    )


def is_protected(words: Sequence[str]) -> bool:
    """Whether words mean people with protected identity."""
    if any(map(_PROTECTED.fullmatch, words)):
        return True
    return "skydd" in words and len(words) <= 2


@lru_cache(maxsize=65536)
def title_role(text: str) -> Role | None:
    """The role that a title or a kind of account says: Elev, Lärare 4-6, Rektor, Student."""
    words = plain_words(text)
    if not words or len(words) > 4:
        return None
    role, _ = role_of(words)
    if role is not None:
        return role
    is_staff = any(word.startswith(_TITLES) or word.endswith(_TITLE_ENDINGS) for word in words)
    return "staff" if is_staff else None


def is_bare_title(text: str) -> bool:
    """Whether a value is a title of one word, which names no school: Yrkeslärare, Vuxenlärare."""
    words = plain_words(text)
    return len(words) == 1 and title_role(text) is not None and words[0].endswith("larare")


@lru_cache(maxsize=65536)
def is_class(name: str) -> bool:
    """Whether a name looks like that of a class: 7A, F-1B, NA24a, Klass 3."""
    return _CLASS.fullmatch(plain(name).strip()) is not None


@lru_cache(maxsize=16384)
def is_programme_class(name: str) -> bool:
    """Whether a name is that of an upper secondary class by programme and year: EK1A, NA2."""
    return _PROGRAMME_CLASS.fullmatch(plain(name).strip()) is not None


def school_year_of(name: str) -> int | None:
    """The calendar year in which the school year that an OU is named for begins: 2024-2025."""
    found = _SCHOOL_YEAR.search(plain(name))
    if found is None:
        return None
    first = int(found[1])
    return first if first > 99 else 2000 + first


@lru_cache(maxsize=65536)
def term_in(text: str) -> tuple[str, int] | None:
    """The last school year or term that a text names, and the year in which its autumn is.

    `norra-7a-2526` gives ("2526", 2025), `7a-vt26` gives ("vt26", 2025).
    """
    for found in reversed(list(_TERM.finditer(plain(text)))):
        if found["season"]:
            return found[0], 2000 + int(found["term"]) - (found["season"] == "vt")
        first, second = int(found["first"]), int(found["second"])
        is_year = first == 20 and not found["between"]
        if second == first + 1 and first > _FIRST_TERM and not is_year:
            return found[0].strip(" _-"), 2000 + first
    return None


def without_term(text: str) -> str:
    """The text without the school year or term that it names."""
    found = term_in(text)
    return text if found is None else plain(text).replace(found[0], " ")


@lru_cache(maxsize=16384)
def is_adapted_class(name: str) -> bool:
    """Whether a name is that of a class of an adapted school: AG 1, Träning 2, 1-3 GRAN."""
    return _ADAPTED_CLASS.fullmatch(plain(name).strip()) is not None


@lru_cache(maxsize=65536)
def is_year(name: str) -> bool:
    """Whether a name is that of a school year: Åk 7, Årskurs 3."""
    return _YEAR.fullmatch(plain(name).strip()) is not None


def is_stage(name: str) -> bool:
    """Whether a name is that of a stage and nothing else: F-3, 7-9, Mellanstadiet."""
    years, rest = stage_of(name)
    return bool(years) and not rest.strip()


def stage_of(text: str) -> tuple[frozenset[int], str]:
    """The school years that a name gives (F-6, 7-9, Högstadiet) and the plain rest of it."""
    text = plain(text)
    for word, years in _STAGE_WORDS.items():
        if word in text:
            return frozenset(years), text.replace(word, " ")
    found = _STAGE.search(text)
    if found is None:
        return frozenset(), text
    first, last = (0 if part.startswith("f") else int(part) for part in found.groups())
    return frozenset(range(first, last + 1)), text[: found.start()] + " " + text[found.end() :]


@lru_cache(maxsize=65536)
def is_function(address: str) -> bool:
    """Whether an address is that of a function or a thing: expedition@, skrivare2@."""
    words = [word.rstrip("0123456789") for word in plain_words(address.partition("@")[0])]
    return bool(words) and words[0] in _FUNCTIONS


def device_stem(address: str) -> str | None:
    """The start of a shared device's address, `ipad-` of ipad-12@; None for a person's."""
    found = _DEVICE.match(address.lower())
    return found[1] if found else None
