"""Gmail's side panel beside a world that is served."""

from collections.abc import Iterator
from contextlib import contextmanager

from addon.sandbox.side_panel import SidePanel
from tests.support.world import World


class Installed:
    """An app that is installed until it is uninstalled."""

    def __init__(self) -> None:
        self.installed = True

    def install(self) -> None:
        self.installed = True

    def uninstall(self) -> None:
        self.installed = False


@contextmanager
def side_panel(world: World) -> Iterator[SidePanel]:
    """The panel of those who can sign in; the application is started again, called by it."""
    people = [user for email in world.accounts if (user := world.domain.find_user(email))]
    with SidePanel(people, Installed(), clock=world.clock) as panel:
        world.environ |= panel.environ(world.url)
        world.restart_application()
        yield panel
