"""Gmail's side panel beside a world that is served."""

from collections.abc import Iterator
from contextlib import contextmanager

from addon.sandbox.side_panel import SidePanel
from tests.support.world import World


@contextmanager
def side_panel(world: World) -> Iterator[SidePanel]:
    """The panel of those who can sign in; the application is started again, called by it."""
    people = [user for email in world.accounts if (user := world.domain.find_user(email))]
    with SidePanel(people, world.directory.marketplace, clock=world.clock) as panel:
        world.environ |= panel.environ(world.url)
        world.restart_application()
        yield panel
