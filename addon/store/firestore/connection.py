"""A connection's document in Firestore, which suffices to check that nothing has changed."""

import msgspec
from msgspec import Struct, structs

from addon.planning.ledger import LEASE_SECONDS, LedgerKey
from addon.ss12000.resources import ResourceType
from addon.store.firestore.client import Fields, FoundDocument, Path
from addon.store.process_identity import is_dead


class ShardSummary(Struct, frozen=True):
    """A shard as summarised in the connection's document. Without a digest it must be read."""

    digest: bytes | None
    counts: dict[ResourceType, int]


class ConnectionDocument(Struct, frozen=True):
    """A connection's document. A shard that is not in `shards` does not exist.

    `epoch` counts how often the lease was taken, and `version` how often shards were written.
    `open` is whether the journal may have changes that are not in the shards yet: those of the
    epochs from `journal` on. `until` is when the lease expires, in seconds since 1970 UTC.
    `database` is the database in which the ledger was last known to be the vendor's: a backup is
    restored into another.
    """

    epoch: int = 0
    version: int = 0
    open: bool = False
    journal: int = 0
    holder: str = ""
    until: float = 0.0
    shards: dict[str, ShardSummary] = {}
    database: str = ""

    @classmethod
    def of(cls, found: FoundDocument) -> "ConnectionDocument":
        """Return the document as a value; a new one if there is none."""
        packed = (found.fields or {}).get("ledger")
        return cls() if packed is None else msgspec.msgpack.decode(packed, type=cls)

    def fields(self) -> Fields:
        """Return the value as a field; holds and approvals are other fields of the document."""
        return {"ledger": msgspec.msgpack.encode(self)}

    def is_free(self, now: float, late: float = 0.0) -> bool:
        """Whether the lease may be taken; `late` is how many seconds ago it must have ended."""
        held = self.until > now - late and self.until <= now + 2 * LEASE_SECONDS
        return not self.holder or not held or is_dead(self.holder)

    def is_from(self, database: str) -> bool:
        """Whether it was not restored from another database."""
        return self.database in ("", database)

    def trusted(self, database: str) -> "ConnectionDocument":
        """Return a copy of which the ledger is the vendor's in this database."""
        return structs.replace(self, database=database)

    def taken(self, holder: str, until: float) -> "ConnectionDocument":
        """Return a copy in which `holder` has taken the lease, or prolonged its own."""
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
        """Return a copy after `shards` were written; `whole` if no earlier journal is left."""
        return structs.replace(
            self,
            version=self.version + 1,
            journal=self.epoch if whole else self.journal,
            shards={**self.shards, **shards},
        )

    def release(self) -> "ConnectionDocument":
        """Return a copy with the lease released and the journal still to be packed."""
        return structs.replace(self, holder="", until=0.0)

    def closed(self) -> "ConnectionDocument":
        """Return a copy with the lease released and nothing in the journal."""
        return structs.replace(self, holder="", until=0.0, open=False)


def connection_path(key: LedgerKey) -> Path:
    """Return the path of a connection's document."""
    return ("tenants", key.tenant, "connections", f"{key.vendor}.{key.mode}")
