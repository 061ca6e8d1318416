"""Create and change instances. Each function is one transaction and does not call Z-API."""

from contextlib import suppress

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import (
    Account,
    Action,
    ApiKeyLimit,
    Instance,
    InstanceQuerySet,
    SecretUnreadableError,
    UserLimit,
)

from .credentials import check_name, read_credentials, read_partner_token


class AlreadyConnectedError(Exception):
    """Another instance has this id. The text is shown to people."""

    def __init__(self, zapi_id: str) -> None:
        is_archived = Instance.objects.archived().filter(zapi_id=zapi_id).exists()
        words = (
            _("An archived instance has the id %s. Restore it instead.")
            if is_archived
            else _("An instance with the id %s already exists.")
        )
        super().__init__(words % zapi_id)


@transaction.atomic
def connect(
    *,
    name: str,
    zapi_id: str,
    token: str,
    client_token: str = "",
    account: Account | None = None,
) -> Instance:
    """Create an instance, by default in the account with this Client-Token.

    Raises AlreadyConnectedError, or ValidationError for an invalid name, id or token.
    """
    check_name(name)
    read = read_credentials(zapi_id, token, client_token)
    read.check()
    zapi_id, token, client_token = read.zapi_id, read.token, read.client_token
    account = account or _account_with(client_token)
    account = account or Account(name=name, client_token=client_token)
    instance = Instance(account=account, name=name, zapi_id=zapi_id, token=token)
    instance.clean_fields(exclude=["account"])
    account.save()
    try:
        with transaction.atomic():
            instance.save()
    except IntegrityError:
        raise AlreadyConnectedError(zapi_id) from None
    return instance


@transaction.atomic
def update(instance: Instance, *, name: str, token: str = "", client_token: str = "") -> Instance:
    """Change an instance. A blank secret keeps the stored one. Raises ValidationError.

    The Client-Token belongs to the account, so it changes for all instances of the account.
    """
    check_name(name)
    read = read_credentials(token=token, client_token=client_token, known_id=instance.zapi_id)
    read.check()
    token, client_token = read.token, read.client_token
    instance.name = name
    if token:
        instance.token = token
    instance.clean_fields(exclude=["account"])
    # A stored token that cannot be decrypted must not prevent a new name.
    instance.save(update_fields=["name", "token"] if token else ["name"])
    if client_token:
        _replace_client_token(instance, client_token)
    return instance


@transaction.atomic
def save_partner(
    *,
    name: str,
    partner_token: str,
    client_token: str = "",
    account: Account | None = None,
    by: HttpRequest | None,
) -> Account:
    """Store a partner token in the account with this Client-Token, or in `account`.

    If there is neither, create an account. A blank Client-Token keeps the stored one. Raises
    ValidationError.
    """
    partner_token = read_partner_token(partner_token)
    read = read_credentials(client_token=client_token)
    read.check()
    client_token = read.client_token
    account = _account_with(client_token) or account or Account(name=name)
    account.partner_token = partner_token
    if client_token:
        account.client_token = client_token
    account.full_clean(exclude=["client_token", "partner_token"])
    account.save()
    details = {"account": account.name, "fields": ["partner_token"]}
    audit(by, Action.ACCOUNT_CHANGED, details=details)
    return account


def sharing_client_token(instance: Instance) -> InstanceQuerySet:
    """Return the other active instances that share the Client-Token."""
    found: InstanceQuerySet = Instance.objects.active().filter(account=instance.account_id)
    return found.exclude(pk=instance.pk)


def _account_with(client_token: str) -> Account | None:
    """Decrypt each token to compare it: encryption gives a different text each time."""
    if not client_token:
        return None
    return next((one for one in Account.objects.all() if _has(one, client_token)), None)


def _has(account: Account, client_token: str) -> bool:
    try:
        return account.client_token.reveal() == client_token
    except SecretUnreadableError:
        return False


def _replace_client_token(instance: Instance, client_token: str) -> None:
    account, known = instance.account, _account_with(client_token)
    if known is None:
        account.client_token = client_token
        account.save(update_fields=["client_token"])
    elif known != account:  # the same token is the same account at Z-API
        _narrow_limits(account)
        account.instances.update(account=known)
        instance.account = known
        with suppress(ProtectedError):  # a new instance or limit may refer to it
            account.delete()


def _narrow_limits(account: Account) -> None:
    """Replace limits to this account by limits to its instances.

    The account is about to be merged into another one.
    """
    instances = list(account.instances.all())
    for model, owner in ((UserLimit, "user_id"), (ApiKeyLimit, "key_id")):
        for limit in model.objects.filter(account=account):
            if not instances:
                continue  # without a limit this person would see everything
            theirs = {owner: getattr(limit, owner)}
            for instance in instances:
                model.objects.get_or_create(instance=instance, **theirs)
            limit.delete()
