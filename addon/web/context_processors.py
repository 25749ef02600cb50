"""Template variables of every page: confirmations, holds, a pause, the steps of the first setup."""

from typing import Any, cast

from flask import Flask, flash, g, get_flashed_messages, request

from addon.tenants.pause import current_pause
from addon.web.presenters.hold import approval_of, is_sending
from addon.web.presenters.hold_questions import in_questions, people_of
from addon.web.presenters.setup_steps import SetupSteps, setup_steps
from addon.web.request_context import RequestContext
from addon.web.undo import UNDO, last_saved


def init_app(app: Flask) -> None:
    """Give the templates the variables that the layout of every page shows."""
    app.jinja_env.globals["confirmations"] = confirmations
    app.jinja_env.globals["last_saved"] = last_saved

    @app.context_processor
    def around() -> dict[str, Any]:
        """Return `ctx`, `holds` (the refused ones last), `approved` (those of them that are
        approved), `sending` (vendors to which a run is sending them), `open_questions` (the holds
        that have no answer, by question, with how many people each is about), `pause`, `ended`
        (how many people's protection has ended) and `guide`.

        They are None or empty when nobody is signed in.
        """
        ctx: RequestContext | None = g.get("ctx")
        if ctx is None:
            return {
                "ctx": None,
                "holds": (),
                "approved": (),
                "open_questions": (),
                "pause": None,
                "guide": None,
                "ended": 0,
            }
        holds = sorted(ctx.holds, key=lambda held: bool(held.hold.refused))
        approved = [held for held in holds if approval_of(ctx.store, held, ctx.now) is not None]
        found: SetupSteps | None = setup_steps(
            ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now
        )
        return {
            "ctx": ctx,
            "holds": holds,
            "approved": approved,
            "open_questions": [
                (question, people_of(question))
                for question in in_questions(holds, lambda held: held in approved)
                if not question[0].hold.refused and question[0] not in approved
            ],
            "sending": {held.vendor for held in approved if is_sending(ctx.runs, held.vendor)},
            "pause": current_pause(ctx.tenant, ctx.now),
            "ended": len(ctx.protection.ended),
            "guide": None if found is None or found.done else found,
        }


def confirmations(waiting: bool = False) -> list[tuple[str, str]]:
    """Return the categories and texts of what has just been confirmed.

    They are kept for the next page when this one is only `waiting` for it, and when a script asks
    for the page: the script looks whether it is ready, or takes a part of it.
    """
    found = cast(list[tuple[str, str]], get_flashed_messages(with_categories=True))
    if waiting or request.headers.get("Sec-Fetch-Dest") == "empty":
        for category, text in found:
            flash(text, category)
    return [(category, text) for category, text in found if category != UNDO]
