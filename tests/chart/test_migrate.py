"""The migration that runs before MLflow's server, on databases as it may find them."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.chart.helm import CHART

SCRIPT = CHART / "files" / "migrate.py"


@pytest.fixture(scope="module")
def migrate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("soloist_chart_migrate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was empty before."""
    database = tmp_path_factory.mktemp("database") / "mlflow.db"
    done = run(database)
    assert done.returncode == 0, done.stderr
    assert "Migrating the database from empty." in done.stdout
    return database


def run(database: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{database}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return subprocess.run(
        [sys.executable, SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **known, **environment},
    )


def set_revision(database: Path, revision: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def revision(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_the_newest_revision_is_read_as_mlflow_reads_it(migrate: ModuleType) -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    known = migrate.known_revisions()
    assert known[0] == _get_latest_schema_revision()  # type: ignore[no-untyped-call]  # MLflow's
    assert len(known) == len(set(known)) > 40


def test_an_up_to_date_database_is_left_alone_without_importing_mlflow(migrated: Path) -> None:
    done = run(migrated, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "as this MLflow wants it" in done.stdout
    assert "mlflow" not in {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_a_database_of_an_older_mlflow_is_migrated(migrated: Path, migrate: ModuleType) -> None:
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config

    head = revision(migrated)
    settings = _get_alembic_config(f"sqlite:///{migrated}")  # type: ignore[no-untyped-call]  # MLflow's
    command.downgrade(settings, "-1")
    older = revision(migrated)
    assert older != head
    done = run(migrated)
    assert done.returncode == 0, done.stderr
    assert f"Migrating the database from {older}." in done.stdout
    assert revision(migrated) == head


def test_a_database_of_a_newer_mlflow_is_refused_in_plain_words(migrated: Path) -> None:
    head = revision(migrated)
    set_revision(migrated, "f00000000001")
    done = run(migrated)
    set_revision(migrated, head)
    assert done.returncode == 1
    assert "a newer MLflow made it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_driver_is_said_in_plain_words(migrated: Path) -> None:
    done = run(
        migrated, MLFLOW_BACKEND_STORE_URI="postgresql+asyncpg://user:secret@localhost/mlflow"
    )
    assert done.returncode == 1
    assert "Write it as postgresql+psycopg2://" in done.stderr
    assert "secret" not in done.stderr


def test_the_users_database_address_is_readable_by_the_server_only(
    migrated: Path, tmp_path: Path
) -> None:
    import configparser

    target = tmp_path / "basic_auth.ini"
    done = run(migrated, MLFLOW_AUTH_CONFIG_PATH=str(target))
    assert done.returncode == 0
    parsed = configparser.ConfigParser()
    parsed.read(target)
    assert parsed["mlflow"]["database_uri"] == f"sqlite:///{migrated}"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
