"""The setup steps from installation to the first delivery: what is done, and what is left."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.store.base import CacheStore, Store
from addon.store.records import Namespace, RunRecord
from addon.sync.proposal_answers import load_answers
from addon.sync.report import stored_report
from addon.tenants.model import Mode, Tenant
from addon.vendors.profiles import Vendor, vendor_name
from addon.web.presenters.school_units import has_selection
from addon.web.presenters.setup_step_texts import SetupProgress, step_texts
from addon.web.presenters.trial_coverage import TrialCoverage, trial_coverage

State = Literal["done", "now", "left"]
MODES: tuple[Mode, ...] = ("test", "live")

NAMESPACE = "guide"
SEEN = "previewed"
PUT_AWAY = "away"
KEPT = 2 * 365 * 24 * 3600.0


class SetupStep(Struct, frozen=True):
    """One step: its number and name, its title, the endpoint of its page, and its state.

    `said` describes what is done and what is left, in a sentence or two, until setup is over.
    """

    number: int
    name: str
    title: object
    endpoint: str
    state: State
    said: str


class SetupSteps(Struct, frozen=True):
    """All steps, and whether setup is over or its steps were hidden."""

    steps: tuple[SetupStep, ...]
    done: bool

    @property
    def current(self) -> SetupStep | None:
        """The first step that is not done."""
        return next((step for step in self.steps if step.state != "done"), None)

    def at(self, endpoint: str | None) -> SetupStep | None:
        """Return the step of the page with this endpoint."""
        return next((step for step in self.steps if step.endpoint == endpoint), None)

    def beyond(self, endpoint: str | None) -> SetupStep | None:
        """Return the step after the page's own; for other pages the first that is not done."""
        here = self.at(endpoint)
        if here is None:
            return self.current
        return self.steps[here.number] if here.number < len(self.steps) else None


TITLES = (
    ("organisation", _("Organisation"), "setup.organisation"),
    ("units", _("Skolenheter"), "school_register.page"),
    ("selection", _("Urval"), "proposals.page"),
    ("vendors", _("Leverantörer"), "vendors.page"),
    ("preview", _("Förhandsgranska"), "preview.page"),
    ("test", _("Testläge"), "setup.test"),
    ("live", _("Skarpt läge"), "setup.live"),
)


def setup_steps(
    store: Store,
    tenant: Tenant,
    runs: Sequence[RunRecord],
    vendors: Mapping[str, Vendor],
    now: float,
) -> SetupSteps:
    """Return the steps with their present states. Raises StoreError."""
    previewed = _kept(store, tenant.customer_id, SEEN, now)
    selected = _selected(store, tenant, now)
    progress = _progress(tenant, runs, vendors, previewed, selected)
    ledgers = store.ledgers(tenant.customer_id)
    live = bool(progress.ran["live"]) or any(key.mode == "live" for key, _n, _r in ledgers)
    trial = None if live else trial_coverage(store, tenant, runs, vendors)
    done = _done(progress, trial)
    over = done["live"] or _kept(store, tenant.customer_id, PUT_AWAY, now)
    said = {} if over else step_texts(progress, trial, partial(vendor_name, vendors))
    found, now_given = [], False
    for number, (name, title, endpoint) in enumerate(TITLES, 1):
        state: State = "done" if done[name] else "left" if now_given else "now"
        now_given = now_given or state == "now"
        found.append(SetupStep(number, name, title, endpoint, state, said.get(name, "")))
    return SetupSteps(tuple(found), over)


def previewed(store: CacheStore, tenant_id: str, now: float) -> None:
    """Remember that the preview has been visited."""
    if not _kept(store, tenant_id, SEEN, now):
        store.put(_namespace(tenant_id), SEEN, b"", now, now + KEPT)


def put_away(store: CacheStore, tenant_id: str, now: float) -> None:
    """Stop showing the steps automatically."""
    store.put(_namespace(tenant_id), PUT_AWAY, b"", now, now + KEPT)


def bring_back(store: CacheStore, tenant_id: str) -> None:
    """Show the steps again."""
    store.delete(_namespace(tenant_id), PUT_AWAY)


def _selected(store: CacheStore, tenant: Tenant, now: float) -> int:
    """Return how many units have a selection, or are said to have no students."""
    lacking = {unit.code for unit in tenant.school_units if not has_selection(unit)}
    if lacking:
        lacking -= set(load_answers(store, tenant.customer_id, now).without_students)
    return len(tenant.school_units) - len(lacking)


def _progress(
    tenant: Tenant,
    runs: Sequence[RunRecord],
    vendors: Mapping[str, Vendor],
    previewed: bool,
    selected: int,
) -> SetupProgress:
    used = [c for c in tenant.connections if c.school_units]
    ran = _ran(tenant, runs)
    return SetupProgress(
        organisation=tenant.organisation,
        units=len(tenant.school_units),
        selected=selected,
        chosen=len({code for c in used for code in c.school_units}),
        vendors=len(used),
        previewed=previewed,
        on={m: tuple(vendor_name(vendors, c.vendor) for c in used if c.mode == m) for m in MODES},
        ran={m: frozenset(vendor_name(vendors, v) for v in ran[m]) for m in MODES},
    )


def _done(progress: SetupProgress, trial: TrialCoverage | None) -> dict[str, bool]:
    """Return whether each step is done; `trial` is None after the first live delivery."""
    live = trial is None
    tried = trial is None or trial.complete or not trial.possible
    return {
        "organisation": bool(progress.organisation.organisation_number),
        "units": bool(progress.units),
        "selection": 0 < progress.units == progress.selected,
        "vendors": bool(progress.chosen),
        "preview": bool(progress.chosen and (progress.on["live"] or progress.previewed)),
        "test": bool((progress.chosen and tried) or progress.on["live"] or live),
        "live": live,
    }


def _ran(tenant: Tenant, runs: Sequence[RunRecord]) -> dict[Mode, set[str]]:
    """Return the vendors with a completed or held run in their present mode."""
    waiting = {(c.vendor, c.mode) for c in tenant.connections if c.school_units}
    ran: dict[Mode, set[str]] = {mode: set() for mode in MODES}
    for run in runs:
        for part in stored_report(run).connections:
            ended = part.status != "failed" or part.only_refused
            for mode in MODES:
                if ended and part.mode == mode and (part.vendor, mode) in waiting:
                    ran[mode].add(part.vendor)
        if all((vendor in ran[mode]) for vendor, mode in waiting if mode != "off"):
            break
    return ran


def _kept(store: CacheStore, tenant_id: str, name: str, now: float) -> bool:
    return store.get(_namespace(tenant_id), name, now) is not None


def _namespace(tenant_id: str) -> Namespace:
    return Namespace(NAMESPACE, tenant_id)
