"""What is known of each tenant's Marketplace licence, in SQLite."""

import sqlite3
from collections.abc import Callable

import msgspec

from addon.store.sqlite.database import SQLiteFile
from addon.tenants.licence import LicenceRecord


class SQLiteLicences(SQLiteFile):
    """The licences of an `addon.store.base.Store`, read with the tenants' documents."""

    def licence(self, tenant: str) -> LicenceRecord:
        with self._reading() as db:
            return self._licence(db, tenant)

    def tenant_and_licence(self, customer_id: str) -> tuple[bytes | None, LicenceRecord]:
        with self._reading() as db:
            row = db.execute("SELECT document FROM tenants WHERE id = ?", (customer_id,)).fetchone()
            return None if row is None else bytes(row[0]), self._licence(db, customer_id)

    def update_licence(
        self, tenant: str, change: Callable[[LicenceRecord], LicenceRecord]
    ) -> LicenceRecord:
        with self._writing() as db:
            known = self._licence(db, tenant)
            after = change(known)
            there = db.execute("SELECT 1 FROM tenants WHERE id = ?", (tenant,)).fetchone()
            if there and after != known:
                packed = msgspec.json.encode(after)
                db.execute("INSERT OR REPLACE INTO licences VALUES (?, ?)", (tenant, packed))
        return after

    @staticmethod
    def _licence(db: sqlite3.Connection, tenant: str) -> LicenceRecord:
        row = db.execute("SELECT record FROM licences WHERE tenant = ?", (tenant,)).fetchone()
        if row is None:
            return LicenceRecord()
        return msgspec.json.decode(row[0], type=LicenceRecord)
