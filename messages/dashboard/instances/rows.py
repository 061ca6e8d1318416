"""The instances as their list shows them, worst first, however many there are in two queries."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from messages.models import Instance, Webhook, WebhookKind, WebhookState

from ..moments import Moment, moment

_TROUBLE = {
    WebhookState.DIFFERS: 3,
    WebhookState.UNREACHABLE: 2,
    WebhookState.NEVER_VERIFIED: 1,
    WebhookState.IN_SYNC: 0,
}
_LOOKS = {
    WebhookState.DIFFERS: ("danger", "failed"),
    WebhookState.UNREACHABLE: ("warning", "stuck"),
    WebhookState.NEVER_VERIFIED: ("plain", "unknown"),
    WebhookState.IN_SYNC: ("success", "ok"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    tone: str
    icon: str
    words: str | Promise


@dataclass(frozen=True, slots=True)
class InstanceRow:
    instance: Instance
    webhook: Webhook

    @property
    def connection(self) -> Badge:
        return connection_badge(self.instance)

    @property
    def push_state(self) -> Badge:
        state = WebhookState(self.webhook.state)
        return Badge(*_LOOKS[state], state.label)

    @property
    def last_heard(self) -> Moment | None:
        return moment(self.instance.last_heard_at)

    @property
    def trouble(self) -> tuple[bool, int, bool]:
        """The greater, the worse: disconnected, then deaf, then never heard."""
        return (
            self.instance.connected is False,
            _TROUBLE[WebhookState(self.webhook.state)],
            self.instance.last_heard_at is None,
        )


def rows() -> list[InstanceRow]:
    instances = Instance.objects.active().with_last_heard().prefetch_related("webhooks")
    found = [InstanceRow(instance, _webhook(instance)) for instance in instances]
    return sorted(found, key=lambda row: row.trouble, reverse=True)


def connection_badge(instance: Instance) -> Badge:
    match instance.connected:
        case True:
            return Badge("success", "ok", pgettext("instance", "Connected"))
        case False:
            return Badge("danger", "failed", pgettext("instance", "Disconnected"))
        case _:
            return Badge("plain", "unknown", _("Not known yet"))


def _webhook(instance: Instance) -> Webhook:
    kinds = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    return kinds.get(WebhookKind.MESSAGE_STATUS) or Webhook(instance=instance)
