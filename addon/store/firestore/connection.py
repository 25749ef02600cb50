"""A connection's document in Firestore: all that is needed to check that nothing has changed."""

import msgspec
from msgspec import Struct, structs

from addon.planning.ledger import LedgerKey
from addon.ss12000.resources import ResourceType
from addon.store.firestore.client import Fields, FoundDocument, Path
from addon.store.lease_holder import is_dead


class ShardSummary(Struct, frozen=True):
    """What the connection's document says of a shard. No digest: it must always be read."""

    digest: bytes | None
    counts: dict[ResourceType, int]


class ConnectionDocument(Struct, frozen=True):
    """A connection's document. A shard that it does not name does not exist.

    `epoch` counts how often the lease was taken, and `version` how often shards were written.
    `open` is whether there may be changes that are in the journal and in no shard yet: those
    of the epochs from `journal` on. `until` is in seconds since 1970 UTC.
    """

    epoch: int = 0
    version: int = 0
    open: bool = False
    journal: int = 0
    holder: str = ""
    until: float = 0.0
    shards: dict[str, ShardSummary] = {}

    @classmethod
    def of(cls, found: FoundDocument) -> "ConnectionDocument":
        """The document as a value; a new one where there is none."""
        packed = (found.fields or {}).get("ledger")
        return cls() if packed is None else msgspec.msgpack.decode(packed, type=cls)

    def fields(self) -> Fields:
        """The value as the document's field; those of holds and approvals are others."""
        return {"ledger": msgspec.msgpack.encode(self)}

    def is_free(self, now: float) -> bool:
        """Whether anybody may take the lease."""
        return not self.holder or self.until <= now or is_dead(self.holder)

    def taken(self, holder: str, until: float) -> "ConnectionDocument":
        """The same, with the lease taken by `holder`, or its end put off if it was theirs."""
        if self.holder == holder:
            return structs.replace(self, until=until)
        epoch = self.epoch + 1
        return structs.replace(
            self,
            epoch=epoch,
            open=True,
            journal=self.journal if self.open else epoch,
            holder=holder,
            until=until,
        )

    def packed(self, shards: dict[str, ShardSummary], whole: bool) -> "ConnectionDocument":
        """The same, with shards written; with `whole`, nothing is left in earlier journals."""
        return structs.replace(
            self,
            version=self.version + 1,
            journal=self.epoch if whole else self.journal,
            shards={**self.shards, **shards},
        )

    def let_go(self) -> "ConnectionDocument":
        """The same, with nobody having the lease; the journal stays to be packed."""
        return structs.replace(self, holder="", until=0.0)

    def closed(self) -> "ConnectionDocument":
        """The same, with nobody having the lease and nothing in the journal."""
        return structs.replace(self, holder="", until=0.0, open=False)


def connection_path(key: LedgerKey) -> Path:
    """Where a connection's document is."""
    return ("tenants", key.tenant, "connections", f"{key.vendor}.{key.mode}")
