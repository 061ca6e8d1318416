"""The actions of an instance's page, one per button.

Actions that stop or lose callbacks ask for confirmation.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Final

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from messages import forwarding
from messages.accounts.audit import audit
from messages.accounts.scope import visible_instances
from messages.dashboard.shared.views import ask, is_confirmed
from messages.ingest import remember_keys
from messages.instances import archive, foreign_webhooks, rotation, token_checks
from messages.instances.deletion import NotDeletableError, delete
from messages.instances.push import agree_to_replace, queue_push
from messages.instances.sync import used_kinds, webhooks_of
from messages.instances.webhook_urls import webhook_url, why_push_is_off
from messages.models import Action, Instance, TokenPolicy, Webhook

from .views import CHANGE, instance_of, verify_soon

_REFUSALS: Final = (
    foreign_webhooks.ActionRefusedError,
    rotation.NotRetiredError,
    NotDeletableError,
)


def _action(act: Callable[..., HttpResponse | None]) -> Callable[..., HttpResponse]:
    """A view for an action on an active instance. A refusal is shown on the instance's page.

    `act` returns nothing to show that page.
    """

    @permission_required(CHANGE, raise_exception=True)
    @require_POST
    @wraps(act)
    def view(request: HttpRequest, pk: int, **given: str) -> HttpResponse:
        instance = instance_of(request.user, pk)
        try:
            answer = act(request, instance, **given)
        except ValidationError as error:
            flash.error(request, " ".join(error.messages))
        except _REFUSALS as error:
            flash.error(request, str(error))
        else:
            if answer:
                return answer
        return redirect("dashboard:instance", pk)

    return view


@_action
def instance_push(request: HttpRequest, instance: Instance) -> None:
    if reason := why_push_is_off():
        flash.error(request, str(reason.label))
    else:
        queue_push(webhooks_of(instance).values())
        audit(request, Action.WEBHOOK_PUSHED, about=instance)
        flash.success(request, _("Push queued. Progress is shown below."))


@_action
def instance_verify(request: HttpRequest, instance: Instance) -> HttpResponse:
    """Queue a check; the page of the batch shows the result."""
    return verify_soon(request, instance)


@_action
def instance_webhook(request: HttpRequest, instance: Instance, kind: str) -> HttpResponse | None:
    """Handle another system's URL.

    Replace it, replace it and forward callbacks to it, leave it, or restore it.
    """
    # Webhooks of other kinds have no action of their own: they are only replaced and restored all
    # together.
    used = used_kinds({one.kind: one for one in instance.webhooks.all()})
    webhook = get_object_or_404(instance.webhooks.filter(kind__in=used), kind=kind)
    webhook.instance = instance
    act = _ACTS.get(request.POST.get("action", ""))
    if act is None:
        raise BadRequest
    if act is _restore and webhook.previous_url and not is_confirmed(request):
        return _ask(
            request,
            instance,
            title=_("Restore the previous URL?"),
            words=_("Z-API will call %(url)s again. Statusboard will stop receiving: %(kind)s.")
            % {"url": webhook.previous_url, "kind": webhook.get_kind_display()},
            button=_("Restore previous URL"),
        )
    act(request, webhook)
    return None


@permission_required(CHANGE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_every(request: HttpRequest, pk: int) -> HttpResponse:
    """Receive all webhooks, after showing which systems stop receiving."""
    instance = instance_of(request.user, pk)
    try:
        reach = foreign_webhooks.preview_takeover(instance)
        if request.method == "POST":
            if "forward" in request.POST:
                _forward_all(request, instance, reach.foreign)
            foreign_webhooks.replace_every(instance, sent_by_me="sent_by_me" in request.POST)
            audit(request, Action.WEBHOOK_PUSHED, about=instance, details={"kind": "every"})
            flash.success(request, _("Z-API now sends all callbacks to Statusboard."))
            return redirect("dashboard:instance", pk)
    except ValidationError as error:
        # Forwarding could not be turned on, so no webhook was replaced. The receiver must not miss
        # a callback.
        flash.error(request, " ".join(error.messages))
        return redirect("dashboard:instance-every", pk)
    except foreign_webhooks.ActionRefusedError as error:
        flash.error(request, str(error))
        return redirect("dashboard:instance", pk)
    context = {
        "instance": instance,
        "holders": [(Webhook(kind=one.kind), one) for one in reach.holders],
        "reach": reach,
        "url": webhook_url(instance),
        "why_off": why_push_is_off(),
    }
    return render(request, "dashboard/instances/every.html", context)


@_action
def instance_restore_others(request: HttpRequest, instance: Instance) -> HttpResponse | None:
    if not is_confirmed(request):
        return _ask(
            request,
            instance,
            title=_("Restore previous URLs?"),
            words=_("Statusboard will stop receiving and forwarding inbound messages."),
            button=_("Restore previous URLs"),
        )
    foreign_webhooks.restore_others(instance)
    audit(request, Action.WEBHOOK_RESTORED, about=instance, details={"kind": "others"})
    flash.success(request, _("Previous URLs restored."))
    return None


@_action
def instance_rotate(request: HttpRequest, instance: Instance) -> None:
    rotation.rotate_key(instance)
    audit(request, Action.KEY_ROTATED, about=instance)
    flash.success(request, _("New URL created. The old one keeps working for at least an hour."))


@_action
def instance_retire(request: HttpRequest, instance: Instance) -> HttpResponse | None:
    at_once = "at_once" in request.POST
    if at_once and not is_confirmed(request):
        return _ask(
            request,
            instance,
            title=_("Disable the old URL now?"),
            words=_("Callbacks still on their way to the old URL will be refused and lost."),
            button=_("Disable now"),
        )
    rotation.retire_old_keys(instance, at_once=at_once)
    audit(request, Action.KEY_RETIRED, about=instance)
    flash.success(request, _("Only the new URL is accepted now."))
    return None


@_action
def instance_token_policy(request: HttpRequest, instance: Instance) -> HttpResponse | None:
    """Set how to treat callbacks with a wrong or missing token."""
    policy = request.POST.get("policy", "")
    if policy not in TokenPolicy.values:
        raise BadRequest
    mismatches = token_checks.mismatches_of(instance)
    if policy == TokenPolicy.ENFORCE and mismatches and not is_confirmed(request):
        words = _(
            "In the last 24 hours, %(differing)d callbacks had a wrong token and "
            "%(missing)d had no token. Such callbacks would be refused and lost."
        )
        return _ask(
            request,
            instance,
            title=_("Refuse callbacks without this instance’s token?"),
            words=words % {"differing": mismatches.differing, "missing": mismatches.missing},
            button=_("Refuse them"),
        )
    token_checks.set_policy(instance, TokenPolicy(policy))
    details = {"fields": ["token_policy"], "token_policy": policy}
    audit(request, Action.INSTANCE_CHANGED, about=instance, details=details)
    flash.success(request, _("Saved."))
    return None


@_action
def instance_archive(request: HttpRequest, instance: Instance) -> HttpResponse | None:
    """Archive the instance, and offer to restore the previous URLs."""
    if not is_confirmed(request):
        return _ask_to_remove(
            request,
            instance,
            title=_("Archive %(name)s?") % {"name": instance.name},
            words=_(
                "Statusboard refuses this instance’s callbacks, stops checking it and closes its "
                "problems. Messages stay. Z-API keeps calling Statusboard until you change the URL "
                "at Z-API."
            ),
            button=_("Archive"),
            first=_("Restore previous URLs and archive"),
        )
    if request.POST["confirmed"] == "first":
        archive.restore_previous(instance)
        audit(request, Action.WEBHOOK_RESTORED, about=instance, details={"kind": "every"})
    archive.archive(instance)
    audit(request, Action.INSTANCE_CHANGED, about=instance, details={"archived": True})
    flash.success(request, _("Archived."))
    return None


@permission_required(CHANGE, raise_exception=True)
@require_POST
def instance_unarchive(request: HttpRequest, pk: int) -> HttpResponse:
    archived = visible_instances(request.user).exclude(archived_at=None)
    instance = get_object_or_404(archived, pk=pk)
    archive.unarchive(instance)
    remember_keys()
    audit(request, Action.INSTANCE_CHANGED, about=instance, details={"archived": False})
    flash.success(request, _("Restored. Push its webhooks if Z-API no longer calls Statusboard."))
    return redirect("dashboard:instance", pk)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def instance_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an instance that never received a callback. It may be archived."""
    instance = get_object_or_404(visible_instances(request.user), pk=pk)
    if not is_confirmed(request):
        return _ask_to_remove(
            request,
            instance,
            title=_("Delete this instance?"),
            words=_(
                "It has received no callbacks. Its tokens and settings will be deleted permanently."
            ),
            button=_("Delete"),
            first=_("Restore previous URLs and delete"),
        )
    details = {"deleted": True, "instance": instance.name, "id": instance.shown_id}
    try:
        if request.POST["confirmed"] == "first":
            archive.restore_previous(instance)
            audit(request, Action.WEBHOOK_RESTORED, about=instance, details={"kind": "every"})
        delete(instance)
    except _REFUSALS as error:
        flash.error(request, str(error))
        return redirect("dashboard:instance", pk)
    audit(request, Action.INSTANCE_CHANGED, about=instance, details=details)
    flash.success(request, _("%s was deleted.") % instance.name)
    return redirect("dashboard:instances")


def _ask_to_remove(
    request: HttpRequest, instance: Instance, *, first: str, **words: str
) -> HttpResponse:
    """Ask before other systems lose their callbacks. `first` is the button that restores them."""
    if archive.has_previous(instance):
        words["words"] += " " + _(
            "Other systems used its webhooks before. They receive no callbacks unless you "
            "restore their URLs."
        )
        words["first"] = first
    return _ask(request, instance, **words)


def _ask(request: HttpRequest, instance: Instance, **words: str) -> HttpResponse:
    back_url = reverse("dashboard:instance", args=[instance.pk])
    return ask(request, back_url=back_url, **words)


def _replace(request: HttpRequest, webhook: Webhook) -> None:
    """Replace the URL that was shown, and no newer one."""
    agree_to_replace(webhook, request.POST.get("url", ""))
    webhook.wanted = True
    queue_push([webhook])
    audit(request, Action.WEBHOOK_PUSHED, about=webhook.instance, details={"kind": webhook.kind})


def _replace_and_forward(request: HttpRequest, webhook: Webhook) -> None:
    # Forward first, so that no callback is missed. Raises ValidationError before replacing.
    _forward_to(request, webhook, request.POST.get("url", ""))
    _replace(request, webhook)


def _forward(request: HttpRequest, webhook: Webhook) -> None:
    _forward_to(request, webhook, webhook.previous_url)
    flash.success(request, _("Callbacks are now forwarded to the previous URL."))


def _forward_to(request: HttpRequest, webhook: Webhook, url: str) -> None:
    forwarding.set_forwarding(webhook, url)
    audit(
        request, Action.FORWARDING_CHANGED, about=webhook.instance, details={"kind": webhook.kind}
    )


def _leave(request: HttpRequest, webhook: Webhook) -> None:
    foreign_webhooks.leave_unchanged(webhook)
    audit(request, Action.WEBHOOK_LEFT, about=webhook.instance, details={"kind": webhook.kind})


def _restore(request: HttpRequest, webhook: Webhook) -> None:
    if not webhook.previous_url:
        raise BadRequest
    foreign_webhooks.restore(webhook)
    audit(request, Action.WEBHOOK_RESTORED, about=webhook.instance, details={"kind": webhook.kind})
    flash.success(request, _("Previous URL restored."))


_ACTS: dict[str, Callable[[HttpRequest, Webhook], None]] = {
    "replace": _replace,
    "replace-and-forward": _replace_and_forward,
    "forward": _forward,
    "leave": _leave,
    "restore": _restore,
}


def _forward_all(request: HttpRequest, instance: Instance, urls: Mapping[str, str]) -> None:
    forwarding.forward_all(instance, urls)
    for kind in urls:
        audit(request, Action.FORWARDING_CHANGED, about=instance, details={"kind": kind})
