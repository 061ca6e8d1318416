"""The tables of the main database, read through the models, so that no new one is forgotten."""

from collections.abc import Sequence
from typing import Final

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, connections, models, router

# `migrate` fills these by itself, so their rows are no data.
MADE_BY_MIGRATE: Final[Sequence[type[models.Model]]] = (
    *(ContentType, Permission, Group),
    Group.permissions.through,
)


def tables() -> list[type[models.Model]]:
    """All tables, each after those that its foreign keys refer to."""
    left = [
        model
        for model in apps.get_models(include_auto_created=True)
        if router.allow_migrate_model(DEFAULT_DB_ALIAS, model) and not model._meta.proxy
    ]
    ordered: list[type[models.Model]] = []
    while left:
        ready = [model for model in left if not _referred(model) & set(left)]
        ordered += ready
        left = [model for model in left if model not in ready]
    return ordered


def _referred(model: type[models.Model]) -> set[type[models.Model]]:
    foreign = [field.remote_field for field in model._meta.local_concrete_fields]
    return {one.model for one in foreign if one and one.model is not model}


def count_rows(alias: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """The number of rows of each table."""
    there = connections[alias].introspection.table_names()
    return {
        model._meta.db_table: model._base_manager.using(alias).count()
        for model in tables()
        if model._meta.db_table in there
    }


def table_with_data(alias: str = DEFAULT_DB_ALIAS) -> str:
    """The name of a table with data, or ''. A database that was only migrated has none."""
    there = connections[alias].introspection.table_names()
    made = {model._meta.db_table for model in MADE_BY_MIGRATE}
    for model in tables():
        table = model._meta.db_table
        if table in there and table not in made and model._base_manager.using(alias).exists():
            return table
    return ""
