"""Writes docs/country.md from the results of the simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from addon.sync.small_delivery import MOST_OPERATIONS

DAYS = (
    "an ordinary school day",
    "a day in August",
    "an ordinary school day, tenfold",
    "a day in August, tenfold",
)
HEADINGS = ("school day", "August", "school day x 10", "August x 10")
MEDIAN = "minutes from change to vendor, median"
ROWS = (
    "tasks",
    "runs",
    "deliveries",
    "operations at vendors",
    "directory queries",
    "directory queries in the busiest minute, whole country",
    "directory queries in the busiest minute, one tenant",
    "firestore reads",
    "firestore writes",
    "firestore deletes",
    "firestore dollars",
    "processor hours",
    "instance hours",
    "instance dollars",
    "requests at once, most",
    MEDIAN,
    "minutes from change to vendor, 99th percentile",
    "longest wait for a vendor's queue, minutes",
    "requests a second on top of a vendor's queue, busiest hour",
)

INTRODUCTION = """# The country, simulated

Written by `python -m bench.country --docs` on {date}; do not edit. {tenants:,} tenants with
{people:,} people (the largest {largest:,}), {connections:,} connections to six vendors. Google
notifies of changed accounts, groups and OUs are looked at each ten minutes, and each tenant's
directory is read whole each six hours.

## A day

{days}

Without notifications, with a run an hour for each tenant:

{hourly}

Firestore's and App Engine's dollars are reckoned from prices that are parameters
(`bench/country/model.py`: {prices}). Compare them with Google's list before relying on them; free
quotas and storage are left out. Instance hours count whole instances of {at_once} requests for
every hour at that hour's peak: what automatic scaling takes at the most, not at the least.

The time from a change to the vendor is the pause after a notice (3 to 8 seconds), the tenant's turn
(a run in 60 seconds), the work on a whole tenant, and for more than {small} operations the vendor's
queue; of the classes that change, a part is found by the looks at groups, ten minutes apart. Where
a vendor's queue is full, the queue is what shows.

The goal of 0.5 million directory queries a day is not reached, and cannot be with these intervals:
{whole:,} a day are whole readings, of which each group is one, and {looks:,} are looks at groups
and OUs. A look is one query for the OUs and one for each 200 groups; an etag with If-None-Match is
a query all the same, fewer fields are too, and looks in school hours only would not find a change
of an evening within the 15 minutes that are promised. With looks each 15 minutes and whole readings
twice a day these two were {fewer:,}; with the audit log (`SKOLSYNK_AUDIT_WATCH`), which needs no
looks but one scope more, {audit:,} with whole readings twice a day and {whole:,} as now. What
would be needed is the one or the other, or that a whole reading asks for a group's members only
when its etag is another. Each tenant's quota is its own, so that the country's sum fills nobody's.

## How full the limits are

1 is full; what is above it does not fit.

{limits}

## What breaks first

{breaks}

Nothing is lost when a queue is full: a delivery that waits takes the tenant's newest reading when
it begins, and plans again from what the vendor has acknowledged. Without notifications each hour
adds one; with them a later run leaves its own to the one that waits, for an hour at most. So the
queue holds what is left to do, once. What grows is the time to the vendor.

The directory quota is for each tenant's own administrator, so more tenants never fill it; larger
ones only take longer. The largest asks {queries_of_largest:,} queries a reading, which takes
{reading_minutes} minutes at the nine tenths of the quota that a process allows itself.

A first delivery to everybody who uses a vendor, if all were turned on in the same hour, would
take this many hours of the vendor's queue: {first}.

## What is measured, and what is assumed

Measured, in this simulation, on the machine that it ran on (by running the real reading, selection,
translation, digests and planning, and the real client against a server in another process). An
instance is taken to be `instance speed` times as fast:

{measured}

Counted on Google's Firestore emulator at its client's API, and the model held to it by
`tests/store/test_firestore_costs.py`: what a run, a delivery, and a run with nothing changed read
and write. `python -m bench.firestore_costs` prints them.

The real code decides: when each tenant's turn is (`addon.tasks.schedule`), how long a delivery
lasts before it lets the next run (`addon.tasks.handlers`), how operations come of a person's
change and whether digests agree (`addon.planning.plan`), the vendors' rates (`vendors.toml`), and
how seldom a long delivery writes to the store (`addon.delivery.ledger_writer`).

Assumed: the sizes (two log-normal distributions), the vendors' uptake, how many groups there are to
a person, how changes are spread over the day, how many notices are of nothing of ours (sign-ins,
passwords: `idle notices a person`), how many class changes only groups show, that {school},
that {august}, and the numbers
below. Not modelled: vendors in trouble, failed readings, deploys, people who use the pages, cold
starts of instances, Cloud Tasks' own delays, what is carried over from the day before, and
that new people are sent before changes and removals where tenants wait for a vendor: here each
delivery is sent whole.

{assumed}
"""


def words(found: Mapping[str, Any], date: str) -> str:
    """The text of the document."""
    country, measured = found["country"], found["measured"]
    first = found["hours of a first delivery to all"]
    return INTRODUCTION.format(
        date=date,
        tenants=country["tenants"],
        people=country["people"],
        largest=country["largest"],
        connections=country["connections"],
        days=_days(found, DAYS, HEADINGS),
        hourly=_days(found, [f"{day}, hourly" for day in DAYS[:2]], HEADINGS[:2]),
        whole=country["queries of whole readings"],
        looks=country["queries of looks at groups"],
        fewer=round(
            country["queries of whole readings"] / 2 + country["queries of looks at groups"] / 1.5
        ),
        audit=round(country["queries of whole readings"] / 2),
        small=MOST_OPERATIONS,
        prices=found["prices"]["noted"],
        at_once=country["requests an instance"],
        limits=_limits(found),
        breaks=_breaks(found),
        queries_of_largest=country["queries of the largest"],
        reading_minutes=country["minutes that the largest is read"],
        first=", ".join(f"{vendor} {hours:g}" for vendor, hours in first.items()),
        measured=_measured(measured),
        school="0.3 percent of the people change on a school day (4 in 10 a name or address, 4 in "
        "10 class, the rest join or leave)",
        august="6 percent change class on each of ten days in August while 0.8 percent join and as "
        "many leave",
        assumed=_table(
            ("assumed", "value"),
            [(name.replace("_", " "), _value(value)) for name, value in found["assumed"].items()],
        ),
    )


def _days(found: Mapping[str, Any], days: Sequence[str], headings: Sequence[str]) -> str:
    def value(day: Mapping[str, Any], row: str) -> str:
        kind, _, name = row.partition(" ")
        if kind == "firestore" and name in day["firestore"]:
            return _value(day["firestore"][name])
        return _value(day[row])

    rows = [(row, *(value(found[day], row) for day in days)) for row in ROWS]
    return _table(("a day", *headings), rows)


def _limits(found: Mapping[str, Any]) -> str:
    names = found[DAYS[0]]["limits"]
    rows = [(name, *(f"{found[day]['limits'][name]:.2f}" for day in DAYS)) for name in names]
    return _table(("limit", *HEADINGS), rows)


def _breaks(found: Mapping[str, Any]) -> str:
    """The limit that is exceeded first when there are ten times as many tenants."""
    said = []
    for day, tenfold in ((DAYS[0], DAYS[2]), (DAYS[1], DAYS[3])):
        growing = {
            name: used
            for name, used in found[tenfold]["limits"].items()
            if used > 1.5 * found[day]["limits"][name]
        }
        name, used = max(growing.items(), key=lambda one: one[1])
        now = found[day]["limits"][name]
        verdict = "it breaks" if used > 1 else "it holds, just" if used > 0.8 else "it holds"
        said.append(
            f"- On {day}: {name}: {now:.2f} of it now, {used:.2f} with ten times as "
            f"many tenants. {verdict[0].upper()}{verdict[1:]}."
        )
    august, hourly = (found[name][MEDIAN] for name in (DAYS[1], f"{DAYS[1]}, hourly"))
    on_top = found[DAYS[1]]["requests a second on top of a vendor's queue, busiest hour"]
    said.append(
        f"\nIn August a change is at the vendor after {august:g} minutes at the median, against "
        f"{hourly:g} with a run an hour. Runs deliver small plans themselves, at most {on_top:g} "
        "requests a second at a vendor in the busiest hour, on top of its queue's rate; each "
        "process takes at most a tenth of that rate, so that ten of them may double it."
    )
    said.append(
        "\nSo the vendors' own rates break first, one delivery at a time to each, long before "
        "Firestore, the directory or the processors. The remedies, in this order: a higher "
        "`requestsPerSecond` in the vendor's profile, where the vendor can take it; then more "
        "deliveries at once (`OF_DELIVERIES` in addon/tasks/queues.py), the rate divided between "
        "them."
    )
    return "\n".join(said)


def _measured(measured: Mapping[str, Any]) -> str:
    raw, sending = measured["raw"], measured["sending_cpu_an_operation"]
    rows = [
        (
            f"select and compare, {one['people']:,} people, one connection",
            f"{one['select_cpu'] + one['compare_cpu']:.2f} s, peak memory "
            f"{one['process_peak_mb']:.0f} MB",
        )
        for one in raw["work"]
    ]
    rows += [
        ("processor time a directory query", f"{measured['reading_cpu_a_query'] * 1000:.1f} ms"),
        (
            "processor time a vendor operation",
            f"{sending * 1000:.2f} ms",
        ),
    ]
    rows += [
        (f"one person {kind}", f"{of['operations']} operations in {of['shards']} shards")
        for kind, of in measured["operations"].items()
    ]
    return _table(("measured", "value"), rows)


def _table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heading, ("---",) + ("--:",) * (len(heading) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(f"{name} {part:g}" for name, part in value)
    return f"{value:,}"
