"""`backup` and `restore` on the database of the tests; tests/faults/ has those that break them."""

import base64
import io
import json
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from messages.backup.archive import ArchiveWriter, opened
from messages.backup.tables import tables
from messages.ingest import Delivery, drain, new_delivery_id, spool
from messages.models import Callback, Message, SpooledCallback, StatusEvent
from tests.plugins.processes import ROOT
from tests.plugins.webhook import ZAPI_ID

SENT = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "momment": 1632234645000}
OTHER_KEY = base64.urlsafe_b64encode(b"another".ljust(32, b"-")).decode()
PASSPHRASE = "correct horse battery"


def rows():
    """Every row of every table."""
    with connection.cursor() as cursor:
        return {
            table: sorted(read(cursor, table), key=repr)
            for table in (model._meta.db_table for model in tables())
        }


def read(cursor, table):
    cursor.execute(f'SELECT * FROM "{table}"')
    return cursor.fetchall()


def keep_in_spool(zapi_id):
    body = json.dumps(SENT | {"ids": [zapi_id]}).encode()
    delivery = Delivery(
        new_delivery_id(), ZAPI_ID, 1, datetime(2026, 11, 22, 9, 14, tzinfo=UTC), body, ""
    )
    spool.keep(delivery)


def back_up(target, **options):
    call_command("backup", to=target, stdout=io.StringIO(), stderr=io.StringIO(), **options)
    return max(target.glob("*.tar")) if target.is_dir() else target


def restore(archive, **options):
    out, errors = io.StringIO(), io.StringIO()
    call_command("restore", archive, stdout=out, stderr=errors, **options)
    return out.getvalue() + errors.getvalue()


def rewritten(archive, **changes):
    """Another archive with the same files and a changed manifest."""
    path = archive.with_name("rewritten.tar")
    with opened(archive) as old, path.open("w+b") as file:
        writer = ArchiveWriter(file)
        for name in old.manifest["files"]:
            with writer.member(name) as sink:
                sink.write(old.open(name).read())
        writer.finish(old.manifest | changes)
    return path


@pytest.fixture
def archive(transactional_db, spool_path, instance, post, tmp_path):
    """A backup of one message, taken before it was read."""
    post(SENT)
    path = back_up(tmp_path / "backup.tar")
    post(SENT | {"status": "READ"})
    return path


class TestBackup:
    def test_only_the_owner_can_read_the_archive(self, archive):
        assert archive.stat().st_mode & 0o777 == 0o600

    def test_folder_has_nothing_but_the_archive(self, archive):
        assert [path.name for path in archive.parent.glob("*backup*")] == ["backup.tar"]
        assert not list(archive.parent.glob(".*"))

    def test_tar_can_list_the_archive(self, archive):
        with tarfile.open(archive) as tar:
            assert "manifest.json" in tar.getnames()

    def test_archive_contains_no_secret(self, archive, settings):
        secrets = (settings.SECRET_KEY, *settings.WEBHOOK_SIGNING_KEYS)
        whole = archive.read_bytes()
        assert not any(
            secret.encode() in whole for secret in (*secrets, *settings.FIELD_ENCRYPTION_KEYS)
        )

    def test_keep_deletes_the_oldest_archives_and_no_other_file(
        self, transactional_db, spool_path, tmp_path
    ):
        for name in ("statusboard-20250101T000000Z.tar", "statusboard-20250102T000000Z.tar"):
            (tmp_path / name).touch()
        (tmp_path / "notes.tar").touch()
        newest = back_up(tmp_path, keep=2).name
        kept = ["statusboard-20250102T000000Z.tar", newest, "notes.tar"]
        assert sorted(path.name for path in tmp_path.glob("*.tar")) == sorted(kept)

    def test_missing_folder_is_an_error(self, transactional_db, spool_path, tmp_path):
        with pytest.raises(CommandError, match="No such file or directory"):
            back_up(tmp_path / "missing" / "backup.tar")


class TestRestore:
    def test_restore_gives_every_row_back(self, archive):
        later = rows()
        restore(archive, replace=True)
        assert not StatusEvent.objects.filter(status="READ").exists()
        again = archive.with_name("again.tar")
        before = rows()
        back_up(again)
        Message.objects.all().delete()
        restore(again, replace=True)
        assert rows() == before != later

    def test_database_with_data_is_refused_without_replace(self, archive):
        with pytest.raises(CommandError, match="not empty"):
            restore(archive)
        assert StatusEvent.objects.filter(status="READ").exists()

    def test_damaged_archive_is_refused_and_changes_nothing(self, archive):
        with opened(archive) as whole:
            place = whole.offset(min(whole.manifest["files"])) + 100
        content = bytearray(archive.read_bytes())
        content[place] ^= 1
        archive.write_bytes(content)
        with pytest.raises(CommandError, match="is damaged"):
            restore(archive, replace=True)
        assert StatusEvent.objects.filter(status="READ").exists()

    def test_truncated_archive_is_refused(self, archive):
        archive.write_bytes(archive.read_bytes()[:20_000])
        with pytest.raises(CommandError, match="not a complete archive"):
            restore(archive, replace=True)

    def test_archive_of_a_newer_version_is_refused(self, archive):
        with pytest.raises(CommandError, match="Update Statusboard first"):
            restore(rewritten(archive, version="99.0.0"), replace=True)

    def test_archive_with_an_unknown_migration_is_refused(self, archive):
        unknown = rewritten(archive, migrations=[["whatsapp", "9999_later"]])
        with pytest.raises(CommandError, match="Update Statusboard first"):
            restore(unknown, replace=True)

    def test_archive_of_the_other_database_is_refused(self, archive):
        other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
        with pytest.raises(CommandError, match="contains a database of"):
            restore(rewritten(archive, database=other), replace=True)

    def test_older_archive_is_migrated(self, transactional_db, spool_path, tmp_path):
        call_command("migrate", "whatsapp", "0063_announcements", verbosity=0)
        try:
            older = back_up(tmp_path / "older.tar")
        finally:
            # The other tests need all tables.
            call_command("migrate", verbosity=0)
        restore(older, replace=True)
        applied = MigrationRecorder(connection).applied_migrations()
        assert ("whatsapp", "0064_label_awaited") in applied


class TestSpool:
    def test_spooled_callbacks_are_stored_after_a_restore(self, archive, tmp_path):
        keep_in_spool("W")
        with_spool = back_up(tmp_path / "spool.tar")
        SpooledCallback.objects.all().delete()
        assert "Stored 1 callbacks" in restore(with_spool, replace=True)
        assert Message.objects.filter(zapi_id="W").exists()

    def test_callback_in_spool_and_database_is_stored_once(self, archive, tmp_path):
        keep_in_spool("W")
        with_spool = back_up(tmp_path / "spool.tar")
        drain()
        drained = back_up(tmp_path / "drained.tar")
        both = tmp_path / "both.tar"
        # As when the worker drained the callback while a backup ran.
        with opened(drained) as database, opened(with_spool) as old, both.open("w+b") as file:
            writer = ArchiveWriter(file)
            for source, name in ((old, "spool.sqlite3.gz"), (database, database_member(database))):
                with writer.member(name) as sink:
                    sink.write(source.open(name).read())
            writer.finish(database.manifest)
        callbacks = Callback.objects.count()
        restore(both, replace=True)
        assert Callback.objects.count() == callbacks
        assert StatusEvent.objects.get(message__zapi_id="W").repeats == 0

    def test_callbacks_waiting_on_this_server_are_kept(self, archive):
        keep_in_spool("H")
        restore(archive, replace=True)
        assert Message.objects.filter(zapi_id="H").exists()


def database_member(archive):
    return next(name for name in archive.manifest["files"] if name.startswith("database"))


class TestKeys:
    def test_restore_with_another_encryption_key_is_refused(self, archive):
        with (
            override_settings(FIELD_ENCRYPTION_KEYS=[OTHER_KEY]),
            pytest.raises(CommandError, match="other FIELD_ENCRYPTION_KEYS"),
        ):
            restore(archive, replace=True)
        assert StatusEvent.objects.filter(status="READ").exists()

    def test_restore_with_other_keys_tells_how_many_secrets_are_lost(self, archive):
        with override_settings(FIELD_ENCRYPTION_KEYS=[OTHER_KEY]):
            told = restore(archive, replace=True, other_keys=True)
        assert "2 secrets cannot be decrypted" in told

    def test_restore_with_an_additional_key_is_accepted(self, archive, settings):
        settings.FIELD_ENCRYPTION_KEYS = [OTHER_KEY, *settings.FIELD_ENCRYPTION_KEYS]
        assert "WARNING" not in restore(archive, replace=True)


class TestSecrets:
    def passphrase(self, folder: Path, text: str = PASSPHRASE) -> Path:
        path = folder / "passphrase"
        path.write_text(f"{text}\n")
        return path

    def read(self, archive, passphrase):
        command = ["-m", "messages.backup.secret_files", archive, "--passphrase-file", passphrase]
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
        )

    def test_passphrase_gives_the_secrets_back(self, archive, tmp_path, settings):
        passphrase = self.passphrase(tmp_path)
        with_secrets = back_up(tmp_path / "all.tar", secrets_passphrase_file=passphrase)
        lines = self.read(with_secrets, passphrase).stdout.splitlines()
        assert f"SECRET_KEY={settings.SECRET_KEY}" in lines
        assert f"FIELD_ENCRYPTION_KEYS={settings.FIELD_ENCRYPTION_KEYS[0]}" in lines
        assert settings.SECRET_KEY.encode() not in with_secrets.read_bytes()

    def test_wrong_passphrase_is_refused(self, archive, tmp_path):
        with_secrets = back_up(
            tmp_path / "all.tar", secrets_passphrase_file=self.passphrase(tmp_path)
        )
        answer = self.read(with_secrets, self.passphrase(tmp_path, "another passphrase"))
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr == "The passphrase is wrong.\n"

    def test_short_passphrase_is_refused(self, archive, tmp_path):
        with pytest.raises(CommandError, match="at least 12 characters"):
            back_up(
                tmp_path / "all.tar", secrets_passphrase_file=self.passphrase(tmp_path, "short")
            )
        assert not (tmp_path / "all.tar").exists()
