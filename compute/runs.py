"""The workspace: every run on record, with what is needed to go on with it or to repeat it.

`runs.sqlite` holds the records, `runs/<id>/` the checkpoints. A process that dies leaves both
whole.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from compute.lock import FolderLock

VERSION = 1
FOLDER = ".netloom"
LOCK_ATTEMPTS = 6

SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
  created REAL NOT NULL, updated REAL NOT NULL, graph TEXT NOT NULL, folder TEXT NOT NULL,
  options TEXT NOT NULL, data TEXT NOT NULL, fingerprint TEXT NOT NULL, versions TEXT NOT NULL,
  step INTEGER NOT NULL DEFAULT 0, epochs INTEGER NOT NULL DEFAULT 0,
  metrics TEXT NOT NULL DEFAULT '{}', message TEXT NOT NULL DEFAULT '');
CREATE TABLE metrics (
  run TEXT NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY (run, epoch, name));
CREATE TABLE live_changes (
  run TEXT NOT NULL, step INTEGER NOT NULL, key TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (run, step, key));
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, time REAL NOT NULL,
  step INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_run ON events (run);
"""


# An epoch (from 1) and its metrics; an event's time, step, kind and what else it says.
EpochMetrics = tuple[int, Mapping[str, float]]
RunEvent = tuple[float, int, str, Mapping[str, object]]


class RunError(ValueError):
    """A run that is not there, is busy, or does not fit what is asked of it."""


@dataclass(frozen=True)
class RunRecord:
    """One run: the graph it started with (as file text), its settings, and how it went.

    `status`: running, finished, stopped, failed or interrupted (its process died). `data` holds
    what was fitted to the training samples and the class names; times are seconds since 1970.
    """

    id: str
    status: str
    created: float
    updated: float
    graph: str
    folder: str
    options: Mapping[str, object]
    data: Mapping[str, object]
    fingerprint: str
    versions: Mapping[str, str]
    step: int = 0
    epochs: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


def find_workspace(chosen: Path | None = None, start: Path | None = None) -> Path:
    """`chosen`, else the nearest `.netloom` upward of `start`, else the user's data folder."""
    if chosen is not None:
        return chosen
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    return Path(platformdirs.user_data_dir("netloom", appauthor=False))


class Workspace:
    """The runs of one folder. Methods may be called from several processes at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._open(write=True) as db:
                self._migrate(db)
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"workspace {folder}: found {error}, expected a folder for runs; "
                "choose another with --workspace"
            ) from None

    @contextmanager
    def _open(self, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection with one transaction, committed durably at the end."""
        db = sqlite3.connect(self.folder / "runs.sqlite", timeout=30, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield db
            db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # busy, full, not unique: said by those who ask
            raise RunError(
                f"workspace {self.folder}: found a damaged record of runs ({error}), expected "
                "runs.sqlite whole; move it away, or choose another with --workspace"
            ) from None
        finally:
            db.close()

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise RunError(
                f"workspace {self.folder}: found version {version}, expected {VERSION}; "
                "use the Netloom that made it, or another workspace"
            )

    def run_folder(self, run: str) -> Path:
        """Where the checkpoints of a run lie."""
        return self.folder / "runs" / run

    def is_named(self, run: str, stem: str) -> bool:
        """Whether a run was created with this stem."""
        return run.rpartition("-")[0] == _safe(stem)

    def lock(self, run: str) -> FolderLock:
        """The lock of a run; raises RunError when another process trains it."""
        for attempt in range(LOCK_ATTEMPTS):
            try:
                return FolderLock(self.run_folder(run))
            except BlockingIOError:
                # somebody may only be looking whether it is held
                time.sleep(0.01 * attempt)
        raise RunError(f"run {run}: found it in training, expected it idle; wait or stop it")

    def create(
        self,
        stem: str,
        graph: str,
        folder: Path,
        options: Mapping[str, object],
        data: Mapping[str, object],
        fingerprint: str,
        versions: Mapping[str, str],
    ) -> str:
        """Begin a record; returns the run's id, `stem` with the next number."""
        now = time.time()
        texts = [json.dumps(part, sort_keys=True) for part in (options, data, versions)]
        with self._open(write=True) as db:
            last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone()
            run = f"{_safe(stem)}-{(last[0] if last else 0) + 1}"
            db.execute(
                "INSERT INTO runs (id, status, created, updated, graph, folder, options, data,"
                " fingerprint, versions) VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)",
                (run, now, now, graph, str(folder), texts[0], texts[1], fingerprint, texts[2]),
            )
        self.run_folder(run).mkdir(parents=True, exist_ok=True)
        return run

    def get(self, run: str) -> RunRecord:
        """The record of a run by its id or number, or the `last` one; raises RunError for none."""
        with self._open() as db:
            query = "SELECT * FROM runs WHERE id = ? OR CAST(number AS TEXT) = ? LIMIT 1"
            row = db.execute(query, (run, run)).fetchone()
            if row is None and run == "last":
                row = db.execute("SELECT * FROM runs ORDER BY number DESC LIMIT 1").fetchone()
            known = [r[0] for r in db.execute("SELECT id FROM runs ORDER BY number DESC LIMIT 5")]
        if row is None:
            some = f"one of {', '.join(known)}" if known else "a run, but there is none yet"
            raise RunError(f"found no run {run!r}, expected {some}; see `netloom runs list`")
        return self._record(row)

    def _record(self, row: sqlite3.Row) -> RunRecord:
        values = {name: row[name] for name in row.keys() if name != "number"}  # noqa: SIM118
        for name in ("options", "data", "versions", "metrics"):
            values[name] = json.loads(values[name])
        if values["status"] == "running" and not FolderLock.held(self.run_folder(row["id"])):
            values["status"] = "interrupted"
        return RunRecord(**values)

    def records(self) -> list[RunRecord]:
        """All runs, newest first."""
        with self._open() as db:
            rows = db.execute("SELECT * FROM runs ORDER BY number DESC").fetchall()
        return [self._record(row) for row in rows]

    def update(
        self,
        run: str,
        values: Mapping[str, object],
        metrics: Sequence[EpochMetrics] = (),
        events: Sequence[RunEvent] = (),
    ) -> None:
        """Change fields of the record and add metrics of epochs and events, all or nothing.

        An epoch done again after a resume replaces itself.
        """
        fields = {name: _text(value) for name, value in values.items()}
        fields["updated"] = time.time()
        numbers = [(run, epoch, n, v) for epoch, found in metrics for n, v in found.items()]
        lines = [(run, t, step, kind, json.dumps(data)) for t, step, kind, data in events]
        setting = ", ".join(f"{name} = ?" for name in fields)
        with self._open(write=True) as db:
            db.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)", numbers)
            db.executemany(
                "INSERT INTO events (run, time, step, kind, data) VALUES (?, ?, ?, ?, ?)", lines
            )
            db.execute(f"UPDATE runs SET {setting} WHERE id = ?", (*fields.values(), run))

    def metrics(self, run: str, most: int = 0) -> dict[int, dict[str, float]]:
        """Metrics by epoch (from 1) and name; with `most`, of that many epochs at equal distances,
        the last among them.
        """
        with self._open() as db:
            found_last = db.execute("SELECT max(epoch) FROM metrics WHERE run = ?", (run,))
            last = found_last.fetchone()[0] or 0
            every = max(1, -(-last // most)) if most else 1
            query = "SELECT epoch, name, value FROM metrics WHERE run = ? AND (? - epoch) % ? = 0"
            rows = db.execute(f"{query} ORDER BY epoch, name", (run, last, every)).fetchall()
        found: dict[int, dict[str, float]] = {}
        for epoch, name, value in rows:
            # SQLite keeps no NaN
            found.setdefault(epoch, {})[name] = math.nan if value is None else value
        return found

    def add_live_change(self, run: str, step: int, key: str, value: float) -> None:
        """Keep a change of a live setting; later ones of that setting are no longer to come."""
        with self._open(write=True) as db:
            where = "run = ? AND key = ? AND step >= ?"
            db.execute(f"DELETE FROM live_changes WHERE {where}", (run, key, step))
            db.execute("INSERT INTO live_changes VALUES (?, ?, ?, ?)", (run, step, key, value))

    def live_changes(self, run: str) -> list[tuple[int, str, float]]:
        """(step, setting, value) of every change, by step."""
        with self._open() as db:
            query = "SELECT step, key, value FROM live_changes WHERE run = ? ORDER BY step, key"
            return [tuple(row) for row in db.execute(query, (run,))]

    def events(self, run: str) -> list[RunEvent]:
        """The kept events, in order."""
        with self._open() as db:
            query = "SELECT time, step, kind, data FROM events WHERE run = ? ORDER BY number"
            return [(r[0], r[1], r[2], json.loads(r[3])) for r in db.execute(query, (run,))]

    def delete(self, run: str) -> None:
        """Remove a run, its record and its checkpoints; raises RunError while it trains."""
        record = self.get(run)
        with self.lock(record.id):
            pass
        with self._open(write=True) as db:
            for table in ("metrics", "live_changes", "events"):
                db.execute(f"DELETE FROM {table} WHERE run = ?", (record.id,))
            db.execute("DELETE FROM runs WHERE id = ?", (record.id,))
        shutil.rmtree(self.run_folder(record.id), ignore_errors=True)


def _text(value: object) -> object:
    """A field as the database holds it."""
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else value


def _safe(stem: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-")
    return kept[:60] or "run"


def compare(workspace: Workspace, runs: list[str]) -> dict[str, list[object]]:
    """What differs between runs: last metrics, epochs, seconds, settings; a list entry a run."""
    records = [workspace.get(run) for run in runs]
    columns: list[dict[str, object]] = []
    for record in records:
        training = json.loads(record.graph).get("training", {})
        settings = {f"training.{k}": v for k, v in training.items()}
        columns.append(
            {"run": record.id, "status": record.status, "epochs": record.epochs}
            | dict(record.metrics)
            | {"seconds": record.updated - record.created}
            | settings
            | dict(record.options)
        )
    names = dict.fromkeys(name for column in columns for name in column)
    table = {name: [column.get(name) for column in columns] for name in names}
    always = {"run", "status", "epochs"} | {name for r in records for name in r.metrics}
    return {
        name: values
        for name, values in table.items()
        if name in always or any(v != values[0] for v in values)
    }
