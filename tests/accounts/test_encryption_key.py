"""Rotation of the encryption key of stored secrets."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.serializers.base import DeserializationError

from messages.models import Action, AuditEvent, Instance, SecretUnreadableError


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_encryption_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def new_key(settings: Any, instance: Instance) -> str:
    """A newer key, listed before the key that encrypted the instance's token."""
    key = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [key, *settings.FIELD_ENCRYPTION_KEYS]
    return key


def test_rotated_secret_is_decrypted_without_the_older_key(instance, new_key, settings):
    rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new_key]
    instance.refresh_from_db()
    assert instance.token.reveal() == "token-of-the-instance"
    assert instance.account.client_token.reveal() == "client-token-of-the-account"


def test_rotation_includes_second_factor_secrets(admin_user, new_key, settings):
    settings.FIELD_ENCRYPTION_KEYS.reverse()
    totp = TOTP.activate(admin_user, "JBSWY3DPEHPK3PXP").instance
    codes = RecoveryCodes.activate(admin_user).generate_codes()
    settings.FIELD_ENCRYPTION_KEYS.reverse()
    rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new_key]
    recovery = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    assert recovery.wrap().generate_codes() == codes
    assert Authenticator.objects.get(pk=totp.pk).data["secret"] != totp.data["secret"]


def test_second_factor_is_stored_encrypted(admin_user):
    TOTP.activate(admin_user, "JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in str(Authenticator.objects.get().data)


def test_second_factor_with_a_missing_key_accepts_no_code(admin_user, settings):
    codes = RecoveryCodes.activate(admin_user).generate_codes()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert not Authenticator.objects.get().wrap().validate_code(codes[0])


def test_rotation_check_fails_until_secrets_are_rotated(new_key):
    with pytest.raises(CommandError, match="Keep the older keys"):
        rotate("--check")
    rotate()
    assert "can remove the others" in rotate("--check")


def test_rotation_check_changes_nothing(instance, new_key):
    before = instance.token.sealed
    with pytest.raises(CommandError):
        rotate("--check")
    instance.refresh_from_db()
    assert instance.token.sealed == before


def test_stopped_rotation_continues(account, instance, new_key):
    account.client_token = account.client_token.renewed()
    account.save()
    assert "Account.client_token: 1 current" in (said := rotate("--batch-size", "1"))
    assert "Encrypted again: 1." in said


def test_rotation_in_several_batches_covers_every_row(account, new_key, settings):
    settings.FIELD_ENCRYPTION_KEYS.reverse()
    for number in range(5):
        Instance.objects.create(account=account, name="x", zapi_id=str(number), token="t" * 20)
    settings.FIELD_ENCRYPTION_KEYS.reverse()
    assert "Instance.token: 6 older" in rotate("--batch-size", "2")


def test_undecryptable_secret_is_counted_and_not_changed(instance, settings):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="2 secrets cannot be decrypted"):
        rotate()
    with pytest.raises(SecretUnreadableError):
        Instance.objects.get().token.reveal()


def test_rotation_check_explains_undecryptable_secrets(instance, settings):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError) as refused:
        rotate("--check")
    assert "Add the key that they were saved with" in str(refused.value)
    assert "--check" not in str(refused.value)


def test_system_check_reports_a_wrong_key(instance, settings):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "cannot decrypt 2 stored secrets" in check()


def test_system_check_accepts_the_right_key(instance):
    assert "FIELD_ENCRYPTION_KEYS" not in check()


def check() -> str:
    told = StringIO()
    call_command("check", stdout=told, stderr=told)
    return told.getvalue()


def test_rotation_is_audited(new_key):
    rotate()
    event = AuditEvent.objects.get(action=Action.ENCRYPTION_ROTATED)
    assert event.details == {"older": 2}


@pytest.fixture
def admin_user(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def dump(instance: Instance, tmp_path: Path) -> Path:
    path = tmp_path / "dump.json"
    call_command("dumpdata", "whatsapp.account", "whatsapp.instance", output=path)
    return path


def test_dump_contains_only_encrypted_secrets_and_can_be_loaded(instance, dump):
    assert "token-of-the" not in dump.read_text()
    Instance.objects.update(token="", token_digest="")
    call_command("loaddata", dump, verbosity=0)
    loaded = Instance.objects.get()
    assert loaded.token.reveal() == "token-of-the-instance"
    assert loaded.account.client_token.reveal() == "client-token-of-the-account"


def test_dump_with_a_masked_secret_is_refused(instance, dump):
    dump.write_text(re.sub(r'"sealed:[^"]+"', '"•••• ance"', dump.read_text()))
    with pytest.raises(DeserializationError, match="not the secret"):
        call_command("loaddata", dump, verbosity=0)
    assert Instance.objects.get().token.reveal() == "token-of-the-instance"


def test_encrypted_secret_entered_in_a_form_is_not_decrypted(instance, dump):
    sealed = json.loads(dump.read_text())[1]["fields"]["token"]
    assert sealed.startswith("sealed:")
    instance.token = sealed
    instance.clean_fields()
    instance.save()
    assert Instance.objects.get().token.reveal() == sealed
