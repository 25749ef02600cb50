"""Personer: who is sent, who is not, and why."""

import csv
import io
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.overview import HEADER
from addon.prepared import Prepared
from addon.web.here import Here, here
from addon.web.paging import page_of
from addon.web.views.people import Wish, chosen, reasons, rows

SIZE = 50
SORTS = ("namn", "klass", "enhet", "orsak")
SEARCH = "people_search"
"""Where the session has the name that was searched for: it must be in no address."""
LONGEST = 100


def blueprint() -> Blueprint:
    """The table of all people."""
    people = Blueprint("people", __name__)

    @people.get("/personer")
    def page() -> str:
        """Who is sent, who is not, and why?"""
        now = here()
        desk, wish = now.desk, wish_of(now)
        found = rows(desk)
        return render_template(
            "people/page.html",
            page=page_of(chosen(desk, wish), request.args, SIZE),
            wish=wish,
            searching=request.args.get("sok") == "1",
            total=len(found),
            sent=_sent(now),
            protected=len(desk.index.protected),
            reasons=reasons(desk),
            units={unit.code: unit.name for unit in now.tenant.school_units},
            vendors=[c.vendor for c in now.tenant.connections if c.mode != "off"],
            read=desk.survey.read,
        )

    @people.post("/personer/sok")
    def search() -> AnyResponse:
        """Look for a name; it is kept in the session, since an address is seen by many."""
        text = request.form.get("text", "").strip()[:LONGEST]
        session[SEARCH] = text
        kept = {name: request.form[name] for name in ARGUMENTS if request.form.get(name)}
        arguments: dict[str, Any] = {**kept, "sok": "1" if text else None}
        return redirect(url_for("people.page", **arguments))

    @people.get("/personer.csv")
    def as_csv() -> AnyResponse:
        """The overview, as `preview --csv` has it."""
        desk = here().desk
        prepared = desk.prepared
        made = desk.make("overview.csv", lambda: _csv(prepared))
        return Response(
            made,
            mimetype="text/csv",
            headers={"Content-Disposition": 'attachment; filename="personer.csv"'},
        )

    return people


ARGUMENTS = ("enhet", "roll", "leverantor", "beslut", "orsak", "sort")


def wish_of(now: Here) -> Wish:
    """What the address, and for names the session, wish to see."""
    given = request.args
    sort = given.get("sort", "namn")
    return Wish(
        text=session.get(SEARCH, "") if given.get("sok") == "1" else "",
        unit=given.get("enhet", ""),
        role=given.get("roll", ""),
        vendor=given.get("leverantor", ""),
        decision=given.get("beslut", ""),
        reason=given.get("orsak", ""),
        sort=sort if sort.removeprefix("-") in SORTS else "namn",
    )


def _sent(now: Here) -> int:
    desk = now.desk
    found = rows(desk)
    return desk.make("sent", lambda: sum(1 for row in found if row.vendors))


def _csv(prepared: Prepared) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(line.cells() for line in prepared.overview())
    return out.getvalue().encode("utf-8-sig")
