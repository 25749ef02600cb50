"""What every page shows of what waits: holds, a pause, the steps of the first visit."""

from typing import Any

from flask import Flask, g

from addon.pause import paused
from addon.web.here import Held, Here
from addon.web.steps import Steps, steps


def bands(app: Flask) -> None:
    """Give the templates what the frame of every page shows."""

    @app.context_processor
    def around() -> dict[str, Any]:
        """`here`, `holds` (those refused last), those `approved` of them, `pause` and `guide`;
        nothing for nobody.
        """
        now: Here | None = g.get("here")
        if now is None:
            return {"here": None, "holds": (), "approved": (), "pause": None, "guide": None}
        holds = sorted(now.holds, key=lambda held: bool(held.hold.refused))
        found: Steps | None = steps(now)
        return {
            "here": now,
            "holds": holds,
            "approved": [held for held in holds if _is_approved(now, held)],
            "pause": paused(now.tenant, now.now),
            "guide": None if found is None or found.done else found,
        }


def _is_approved(now: Here, held: Held) -> bool:
    """Whether a person has said yes, and it is about to be done."""
    approval = now.store.approval(held.key)
    return approval is not None and approval.lasts(now.now) and not held.hold.refused
