"""What every page shows of what waits: holds, a pause, the steps of the first visit."""

from typing import Any

from flask import Flask, g

from addon.tenants.pause import paused
from addon.web.presenters.hold import approval_of, is_sending
from addon.web.presenters.setup_steps import Steps, steps
from addon.web.request_context import Here


def bands(app: Flask) -> None:
    """Give the templates what the frame of every page shows."""

    @app.context_processor
    def around() -> dict[str, Any]:
        """`here`, `holds` (those refused last), those `approved` of them and whether a run is
        `sending` them, `pause` and `guide`; nothing for nobody.
        """
        now: Here | None = g.get("here")
        if now is None:
            return {"here": None, "holds": (), "approved": (), "pause": None, "guide": None}
        holds = sorted(now.holds, key=lambda held: bool(held.hold.refused))
        approved = [held for held in holds if approval_of(now, held) is not None]
        found: Steps | None = steps(now)
        return {
            "here": now,
            "holds": holds,
            "approved": approved,
            "sending": bool(approved) and is_sending(now),
            "pause": paused(now.tenant, now.now),
            "guide": None if found is None or found.done else found,
        }
