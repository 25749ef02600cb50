"""Sessions of administrators in SQLite, and which accounts listed addresses belong to."""

from collections.abc import Set

import msgspec

from addon.store.records import AuthenticationRecord, SessionRecord
from addon.store.sqlite.licences import SQLiteLicences


class SQLiteSessions(SQLiteLicences):
    """The sessions of an `addon.store.base.Store`."""

    def authentication(self, tenant: str, session_id: str = "") -> AuthenticationRecord:
        with self._reading() as db:
            document = db.execute("SELECT document FROM tenants WHERE id = ?", (tenant,)).fetchone()
            session = db.execute(
                "SELECT session FROM sessions WHERE tenant = ? AND id = ?", (tenant, session_id)
            ).fetchone()
            accounts = db.execute(
                "SELECT address, sub FROM administrators WHERE tenant = ?", (tenant,)
            ).fetchall()
            return AuthenticationRecord(
                document=None if document is None else bytes(document[0]),
                licence=self._licence(db, tenant),
                accounts=dict(accounts),
                session=(
                    None if session is None else msgspec.json.decode(session[0], type=SessionRecord)
                ),
            )

    def save_session(self, tenant: str, session: SessionRecord) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO sessions (tenant, id, sub, signed_in, session)"
                " VALUES (?, ?, ?, ?, ?)",
                (tenant, session.id, session.sub, session.signed_in, msgspec.json.encode(session)),
            )

    def update_session(self, tenant: str, session: SessionRecord) -> bool:
        with self._writing() as db:
            replaced = db.execute(
                "UPDATE sessions SET session = ? WHERE tenant = ? AND id = ?",
                (msgspec.json.encode(session), tenant, session.id),
            ).rowcount
        return bool(replaced)

    def end_session(self, tenant: str, session_id: str) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM sessions WHERE tenant = ? AND id = ?", (tenant, session_id))

    def end_sessions(self, tenant: str, sub: str | None = None) -> int:
        with self._writing() as db:
            return db.execute(
                "DELETE FROM sessions WHERE tenant = :tenant AND (:sub IS NULL OR sub = :sub)",
                {"tenant": tenant, "sub": sub},
            ).rowcount

    def bind_administrator(self, tenant: str, address: str, sub: str) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO administrators (tenant, address, sub)"
                " SELECT id, ?, ? FROM tenants WHERE id = ?",
                (address, sub, tenant),
            )

    def forget_administrators(self, tenant: str, addresses: Set[str]) -> None:
        with self._writing() as db:
            db.executemany(
                "DELETE FROM administrators WHERE tenant = ? AND address = ?",
                [(tenant, address) for address in addresses],
            )
