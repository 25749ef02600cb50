"""What deliveries did, in SQLite: a row a part, and a row for each id that it names."""

import sqlite3
from collections.abc import Sequence, Set

from addon.planning.history import DeliveryHistory, subject_of
from addon.store.history import packed_entries, unpacked_entries
from addon.store.sqlite.database import SQLiteFile

COLUMNS = "history.id, history.run, history.at, history.vendor, history.mode, history.packed"


class SQLiteHistory(SQLiteFile):
    """The history of an `addon.store.base.Store`."""

    def add_history(self, parts: Sequence[DeliveryHistory]) -> None:
        if parts:
            with self._writing() as db:
                for part in parts:
                    self._add(db, part)

    def history_of_run(self, tenant: str, run: str) -> list[DeliveryHistory]:
        with self._reading() as db:
            rows = db.execute(
                f"SELECT {COLUMNS} FROM history WHERE tenant = ? AND run = ? ORDER BY id",
                (tenant, run),
            ).fetchall()
        return [_part(tenant, row) for row in rows]

    def history_about(self, tenant: str, subject: str, limit: int) -> list[DeliveryHistory]:
        with self._reading() as db:
            return self._about(db, tenant, subject, limit)

    def forget_history(self, tenant: str, people: Set[str]) -> None:
        with self._writing() as db:
            for person in sorted(people):
                for part in self._about(db, tenant, subject_of(person), -1):
                    left = part.without(people)
                    place = (tenant, part.id)
                    db.execute("DELETE FROM history WHERE tenant = ? AND id = ?", place)
                    if left.entries:
                        self._add(db, left)
                    db.execute(
                        "DELETE FROM history_subjects WHERE tenant = ? AND subject = ?",
                        (tenant, subject_of(person)),
                    )

    @staticmethod
    def _add(db: sqlite3.Connection, part: DeliveryHistory) -> None:
        number = db.execute(
            "INSERT OR REPLACE INTO history (tenant, id, run, at, vendor, mode, packed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                part.tenant,
                part.id,
                part.run,
                part.at,
                part.vendor,
                part.mode,
                packed_entries(part),
            ),
        ).lastrowid
        db.executemany(
            "INSERT OR IGNORE INTO history_subjects VALUES (?, ?, ?)",
            ((part.tenant, subject, number) for subject in part.subjects),
        )

    @staticmethod
    def _about(
        db: sqlite3.Connection, tenant: str, subject: str, limit: int
    ) -> list[DeliveryHistory]:
        rows = db.execute(
            f"SELECT {COLUMNS} FROM history_subjects JOIN history"
            " ON history.number = history_subjects.history"
            " WHERE history_subjects.tenant = ? AND history_subjects.subject = ?"
            " ORDER BY history.id LIMIT ?",
            (tenant, subject, limit),
        )
        return [_part(tenant, row) for row in rows.fetchall()]


def _part(tenant: str, row: tuple[str, str, float, str, str, bytes]) -> DeliveryHistory:
    id, run, at, vendor, mode, packed = row
    return DeliveryHistory(id, tenant, run, at, vendor, mode, unpacked_entries(packed))
