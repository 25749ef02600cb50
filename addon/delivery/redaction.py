"""Redact personal data from a vendor's message about a refusal.

A vendor may name anyone: the person in the request, another who already has the address, or one
who has left. Therefore the redaction is an allowlist: only known words, short numbers and
identifiers are kept, and everything else is withheld.
"""

import re
from collections.abc import Set
from unicodedata import normalize

WITHHELD = "[…]"
READ = 2000
"""How many characters of the vendor's message are read."""

_TOKEN = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)"
    r"|(?P<address>[^\s<>\"'(),;:=@]+@[^\s<>\"'(),;@]+)"
    r"|(?P<number>\d(?:[ .:/+()-]{0,2}\d){5,})"
    r"|(?P<word>[^\W\d_]+)",
    re.IGNORECASE,
)
_PART = re.compile(r"[A-Z]?[a-zà-öø-ÿ]+|[A-Z]+(?![a-z])|[^\W\d_]")
"""A part of a word in camelCase."""

_KNOWN = frozenset(
    # English
    """
    a abort aborted about above absent accept accepted access account accounts action active add
    added additional address after again against all allowed already also and another any api
    application are argument array as assigned associated at attempt attribute attributes
    authentication authorization authorized available bad be because been before being below
    between body boolean busy but by call called can cannot case category caused change changed
    character characters check child choose client code column combination conflict conflicting
    conflicts connection constraint contact contain contained contains content contract could
    count create created creating creation current currently customer data database date deadlock
    default defined delete deleted deleting dependency depends details did different disabled does
    domain down duplicate duplicated duplicates during each edit either element email emails empty
    enabled encoding endpoint enough ensure entity entries entry error errors exactly exceed
    exceeded exceeds exception exist existing exists expected expired expires extension extra
    failed fails failure false fault faults feature field fields file filter find fix follow
    following for forbidden foreign format found from full general generated get given greater
    group groups had handle has have header host however http https id identifier identifiers
    identity if ignored illegal immutable in inactive include included incorrect index injected
    input insert instance instead insufficient integer integrity internal into invalid is issue it
    item items its json key keys kind known large larger last later least length less level
    licence licences license licenses limit limited limits list locked long longer lookup
    maintenance malformed manager many match matches matching maximum media member members message
    method minimum mismatch missing model modified modify more most multiple must mutability
    mutable name names necessary need needs new no none not nothing null number object objects
    occurred of off old on one only operation operations option optional or other out outside over
    own owned owner parameter parameters parent parse parsing part password path pattern pending
    permission permissions permitted planned please plus position possible post present previous
    primary problem process processed processing product property provide provided put query quota
    range rate reached read reason received record records refer reference referenced references
    refers refuse refused refuses regex regular reject rejected related relation remove removed
    repeated replace request requested requests require required requires reserved resource
    resources response restricted result retry role rule rules same save saved schema schemas
    scheme scim second seconds sent server service services set several short shorter should show
    simulated since size smaller some sorry source specified state status still stopped storage
    store string subscription such supplied support supported suspended syntax system table taken
    target temporarily temporary tenant test testing tests text than that the their them then
    there this through time timeout times to token too total transaction true try two type types
    unable unauthorized unavailable undefined unexpected unique uniqueness unit units unknown
    unprocessable unreadable unrecognized unsupported until update updated updates updating upper
    uri url urn usage use used user users using utf valid validate validation value values version
    versions via violated violates violation violations wait warning was welcome well were what
    when where whether which while whose with within without word write written wrong you your
    zero
    """.split()
    # SCIM and SS 12000, by the parts of their camelCase names
    + """
    activities activity bulk core cloud display employed employment employments enrolment
    enrolments extension external family given ietf location membership memberships meta
    municipality organisation organisations organization organizations params program provider
    school sensitive sis signature student students teacher teachers user vers year years
    """.split()
    # Swedish
    + """
    adress användare användaren användarnamn användarnamnet används är åtgärd åtkomst att av
    avslutad bara behörighet borttagen den det dubblett dubbletter efter ej elev elever eleven
    eller endast en enhet enheten ett fält fältet fel felaktig felaktigt finns för format från får
    gäller giltig giltigt grupp grupper gruppen ha har hittades högst id ingen inget inte kan klass
    klasser klassen klassens konto kontot krävs kunde kund kunden lärare licens licenser längd
    lösenord lösenordet måste med minst mycket namn namnet nekad nekades ny och ogiltig ogiltigt
    okänd okänt om på personal post redan referens refererar registrerad roll saknar saknas samma
    serverfel skapa skapad skapas skola skolan skolans skolenhet skolenheten skolenhetskod som
    stöds storlek ta tas tecken tillåten tillåtet till tom tomt unik unikt upptagen upptaget
    utan utgången värde värdet årskurs ändra ändras
    """.split()
)
"""Words of error messages and of the wire format. Common names of people are not included."""


def without_people(text: str, of_person: Set[str] = frozenset()) -> str:
    """Return the text with everything replaced that could identify a person.

    `of_person` are words, in lower case, that are withheld even if they are known words.
    """
    read = normalize("NFC", text[:READ])
    if len(text) > READ:
        read = re.sub(r"[^\W_]+$", "", read)  # a part of a word could look like a known word
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(read):
        gap = read[end : match.start()]
        end = match.end()
        kept = match.lastgroup == "uuid" or (
            match.lastgroup == "word" and _is_known(match[0], of_person)
        )
        if kept:
            parts += gap, match[0]
        elif not (parts and parts[-1] == WITHHELD and not re.search(r"\w", gap)):
            parts += gap, WITHHELD
    return "".join(parts) + read[end:]


def known_words(text: str) -> Set[str]:
    """Return the words of a text, in lower case."""
    return {word.lower() for word in re.findall(r"[^\W\d_]+", normalize("NFC", text))}


def _is_known(word: str, of_person: Set[str]) -> bool:
    if word.lower() in of_person:
        return False
    if word.lower() in _KNOWN:
        return True
    parts = _PART.findall(word)
    return len(parts) > 1 and all(p.lower() in _KNOWN and p.lower() not in of_person for p in parts)
