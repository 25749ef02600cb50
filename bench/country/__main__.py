"""A simulation of the country: all tenants, all vendors, a day at a time.

`python -m bench.country` prints it as JSON, `python -m bench.country --docs` also writes
docs/country.md from it. Measurements are repeated on this machine; assumptions are in
bench/country/model.py.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from addon.vendors.profiles import Vendor, load_vendors
from bench.__main__ import directory
from bench.country.day import INSTANCES, RUNS_AT_ONCE, Changes, Day, Measured, Report, percentile
from bench.country.measure import digests_agree, operations_a_change
from bench.country.model import Assumptions, Cost, Prices, Tenant, queries, tenants
from bench.country.pushed import WHOLE_EACH, PushedDay, looks_a_day
from bench.country.report import words

SCHOOL = Changes(
    "an ordinary school day",
    {"renamed": 0.0012, "another class": 0.0012, "joined": 0.0003, "left": 0.0003},
)
AUGUST = Changes(
    "a day in August", {"another class": 0.06, "joined": 0.008, "left": 0.008, "renamed": 0.002}
)
"""60 percent of the classes change in ten working days, and a tenth of the pupils are new."""

SANDBOX = {"students": 2000, "staff": 200, "groups": 150}
REQUESTS_AN_INSTANCE = 8
"""As in app.yaml."""
RESOURCES_A_PERSON = 12_821 / 11_000


def measure() -> tuple[Measured, dict[str, Any]]:
    """Measure this machine; return the results and the figures they are calculated from."""
    work = [_job("work", f"{size}") for size in (1, 3, 8)]
    least, most = work[0], work[-1]
    more = most["people"] - least["people"]
    with directory(SANDBOX) as (address, document):
        reading = _job("reading", address, document)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.egil_server", "--key", "bench"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        sending = _job("sending", server.stdout.readline().strip(), "bench")
    finally:
        server.kill()
        server.wait()
    measured = Measured(
        reading_cpu_a_query=reading["cpu"] / reading["queries"],
        work_cpu_a_person=(most["select_cpu"] - least["select_cpu"]) / more,
        compare_cpu_a_person=(most["compare_cpu"] - least["compare_cpu"]) / more,
        sending_cpu_an_operation=sending["cpu"] / sending["operations"],
        unpack_cpu_a_person=(most["unpack_cpu"] - least["unpack_cpu"]) / more,
        operations=operations_a_change(),
    )
    assert digests_agree(), "a run with nothing changed must read no shard"
    return measured, {"work": work, "reading": reading, "sending": sending}


def _job(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.country.measure", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def shown(day: Report, assumed: Assumptions, prices: Prices) -> dict[str, Any]:
    """A day's figures."""
    cpu_hours = day.cpu / assumed.instance_speed / 3600
    instance_hours = sum(-(-most // REQUESTS_AN_INSTANCE) for most in day.at_once[:24])
    hours = day.busy_hours or {("", 0): 0.0}
    vendor, hour = max(hours, key=lambda one: hours[one])
    return {
        "tasks": day.tasks,
        "runs": day.runs,
        "deliveries": day.deliveries,
        "operations at vendors": round(day.operations),
        "directory queries": day.queries,
        "directory queries in the busiest minute, whole country": max(day.minutes.values()),
        "directory queries in the busiest minute, one tenant": day.minutes_of_one,
        "firestore": {name: round(n) for name, n in to_builtins(day.cost).items()},
        "firestore dollars": round(_dollars(day.cost, prices), 2),
        "processor hours": round(cpu_hours, 1),
        "instance hours": instance_hours,
        "instance dollars": round(instance_hours * prices.instance_hour, 2),
        "requests at once, most": max(day.at_once),
        "minutes from change to vendor, median": round(percentile(day.late, 0.5) / 60, 2),
        "minutes from change to vendor, 99th percentile": round(percentile(day.late, 0.99) / 60, 1),
        "longest wait for a vendor's queue, minutes": round(day.longest_wait / 60, 1),
        "busiest vendor in its busiest hour": {
            "vendor": vendor,
            "hour": hour,
            "busy": round(hours[vendor, hour] / 3600, 3),
        },
        "requests a second on top of a vendor's queue, busiest hour": round(
            max(day.by_runs.values(), default=0.0) / 3600, 2
        ),
        "limits": limits(day, assumed),
    }


def limits(day: Report, assumed: Assumptions) -> dict[str, float]:
    """The peak use of each limit as a ratio; more than 1 exceeds the limit."""
    hours = [n / 3600 for n in day.busy_hours.values()] or [0.0]
    cpu = day.cpu / assumed.instance_speed / 86_400
    return {
        "a vendor's queue, one delivery at a time, busiest hour": round(max(hours), 3),
        "a vendor's queue, whole day": round(max(day.busy.values(), default=0.0) / 86_400, 3),
        "a vendor's queue, one task a second, busiest hour": round(
            max(day.tasks_hours.values(), default=0) / 3600, 3
        ),
        "requests at once on all instances": round(
            max(day.at_once) / (INSTANCES * REQUESTS_AN_INSTANCE), 3
        ),
        "processors of all instances, day's mean": round(cpu / INSTANCES, 3),
        "directory quota of one tenant": round(day.minutes_of_one / assumed.quota_a_minute, 3),
    }


def _dollars(cost: Cost, prices: Prices) -> float:
    return (
        cost.reads * prices.reads_100k
        + cost.writes * prices.writes_100k
        + cost.deletes * prices.deletes_100k
    ) / 100_000


def first_days(
    found: list[Tenant], vendors: Mapping[str, Vendor], assumed: Assumptions
) -> dict[str, float]:
    """The hours that each vendor's queue takes for the first delivery to all who use it."""
    hours = {}
    for name, _ in assumed.uptake:
        people = sum(tenant.people for tenant in found if name in tenant.vendors)
        profile = vendors[name]
        rate = min(profile.requests_per_second, profile.concurrency / assumed.seconds_a_request)
        hours[name] = round(people * RESOURCES_A_PERSON / rate / 3600, 1)
    return hours


def simulate() -> dict[str, Any]:
    """Run the simulation and return everything that is reported."""
    began = time.perf_counter()
    assumed, prices, vendors = Assumptions(), Prices(), load_vendors(Path("vendors.toml"))
    measured, raw = measure()
    found: dict[str, Any] = {
        "assumed": to_builtins(assumed),
        "prices": to_builtins(prices),
        "measured": {**to_builtins(measured), "raw": raw},
    }
    country = tenants(assumed)
    largest = max(tenant.people for tenant in country)
    found["country"] = {
        "tenants": len(country),
        "people": sum(tenant.people for tenant in country),
        "largest": largest,
        "connections": sum(len(tenant.vendors) for tenant in country),
        "queries of the largest": queries(assumed, largest),
        "minutes that the largest is read": round(
            queries(assumed, largest) / (0.9 * assumed.quota_a_minute), 1
        ),
        "queries of whole readings": sum(
            round(24 * 3600 / WHOLE_EACH) * queries(assumed, tenant.people) for tenant in country
        ),
        "queries of looks at groups": sum(looks_a_day(tenant, assumed) for tenant in country),
        "runs at once": RUNS_AT_ONCE,
        "requests an instance": REQUESTS_AN_INSTANCE,
        "rates": {name: vendors[name].requests_per_second for name, _ in assumed.uptake},
    }
    for times in (1, 10):
        many = tenants(assumed, times)
        for changes in (SCHOOL, AUGUST):
            name = changes.name if times == 1 else f"{changes.name}, tenfold"
            day = PushedDay(many, vendors, assumed, measured, changes).run()
            found[name] = shown(day, assumed, prices)
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            if times == 1:
                hourly = Day(many, vendors, assumed, measured, changes).run()
                found[f"{name}, hourly"] = shown(hourly, assumed, prices)
    found["hours of a first delivery to all"] = first_days(country, vendors, assumed)
    found["seconds"] = round(time.perf_counter() - began, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.country", description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write docs/country.md")
    docs = parser.parse_args().docs
    found = simulate()
    if docs:
        Path("docs/country.md").write_text(words(found, time.strftime("%Y-%m-%d")))
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
