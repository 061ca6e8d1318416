"""A database as an earlier commit left it, to be filled and brought up to date."""

from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

Migrate = Callable[[str], StateApps]


@pytest.fixture
def migrate_to(transactional_db: None) -> Iterator[Migrate]:
    """Bring the database to a migration, back or forth; give the models of that time."""

    def migrate(name: str) -> StateApps:
        executor = MigrationExecutor(connection)
        executor.migrate([("whatsapp", name)])
        apps: StateApps = executor.loader.project_state([("whatsapp", name)]).apps
        return apps

    yield migrate
    call_command("migrate", verbosity=0)
