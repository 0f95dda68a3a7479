"""Bring MLflow's database to the schema of this image, before the server starts.

Three cases: an empty database, one that an older MLflow made, and (nearly always) nothing to do. `mlflow db upgrade` knows
all three but imports MLflow first, about 4 s; this looks at the revision without it, so that a replaced pod is back sooner.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy.exc import OperationalError

LOCK = 6_805_310_242  # any number, the same in every pod
PATIENCE_SECONDS = 120.0


def known_revisions() -> tuple[str, ...]:
    """The revisions among the image's migration files, the newest first; none when the files can't be read that way."""
    spec = importlib.util.find_spec("mlflow")
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = pathlib.Path(spec.submodule_search_locations[0], "store/db_migrations/versions")
    texts = [path.read_text() for path in folder.glob("*.py")]
    revisions = {name for text in texts for name in _assigned("revision", text)}
    heads = revisions - {name for text in texts for name in _assigned("down_revision", text)}
    return (*heads, *sorted(revisions - heads)) if len(heads) == 1 else ()


def _assigned(name: str, text: str) -> list[str]:
    lines = re.findall(rf"^{name}\b[^=]*=(.*)$", text, re.MULTILINE)
    return [value for line in lines for value in re.findall(r"[\"']([0-9a-z]+)[\"']", line)]


def live_revision(engine: sqlalchemy.Engine) -> str | None:
    """The revision that the database says it has; None for an empty one."""
    with engine.connect() as connection:
        if not sqlalchemy.inspect(connection).has_table("alembic_version"):
            return None
        query = sqlalchemy.text("SELECT version_num FROM alembic_version")
        found = connection.execute(query).scalars().all()
    return str(found[0]) if len(found) == 1 else None


def wait_for(engine: sqlalchemy.Engine) -> None:
    """Return once the database answers; it may start at the same moment as this pod."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    said = ""
    while True:
        try:
            engine.connect().close()
            return
        except OperationalError as error:
            reason = str(error.orig).strip()
        if time.monotonic() > deadline:
            sys.exit(f"The database did not answer within {PATIENCE_SECONDS:.0f} s: {reason}")
        if reason != said:
            print(f"Waiting for the database: {reason}", flush=True)
            said = reason
        time.sleep(0.3)


@contextmanager
def alone(engine: sqlalchemy.Engine) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock: two pods that migrate at once would fail over each other's tables.

    It belongs to the connection, so a killed pod lets go of it.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({LOCK})"))
        yield


def migrate(engine: sqlalchemy.Engine, uri: str) -> str:
    """Migrate if needed, and say in one sentence what was done."""
    known = known_revisions()
    live = live_revision(engine)
    if live is not None and known and live == known[0]:
        return f"The database is at revision {live}, as this MLflow wants it."
    if live is not None and known and live not in known:
        sys.exit(
            f"The database is at revision {live}, which this MLflow (up to {known[0]}) does not know: a newer MLflow "
            "made it. Use that version's image, or restore a backup from before."
        )
    print(f"Migrating the database from {live or 'empty'}.", flush=True)
    import mlflow.db  # the slow import that the usual case avoids

    mlflow.db.upgrade.main([uri], standalone_mode=False)
    return f"Migrated the database to {live_revision(engine)}."


def write_auth_configuration(path: str, uri: str) -> None:
    """The users' database is this one, too; its address is a secret, so the file is made here and not in a ConfigMap."""
    lines = [
        "[mlflow]",
        "default_permission = READ",
        "database_uri = " + uri.replace("%", "%%"),
        # A password check is thousands of rounds of hashing; an operator that polls would pay for it at each call.
        "auth_cache_ttl_seconds = 60",
    ]
    target = pathlib.Path(path)
    target.touch(mode=0o600)
    target.write_text("\n".join(lines) + "\n")


def main() -> None:
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    if path := os.environ.get("MLFLOW_AUTH_CONFIG_PATH"):
        write_auth_configuration(path, uri)
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    except ModuleNotFoundError as error:
        sys.exit(
            f"The image has no driver {error.name!r} for the database's address. "
            "Write it as postgresql+psycopg2://user:password@host:5432/name."
        )
    wait_for(engine)
    with alone(engine):
        print(migrate(engine, uri))


if __name__ == "__main__":
    main()
