from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    """The app. Its label is not "messages": that one is django.contrib.messages' for good."""

    name = "messages"
    label = "whatsapp"
    verbose_name = _("WhatsApp messages")

    def ready(self) -> None:
        # Not before the models are loaded.
        from messages.accounts import signals  # noqa: PLC0415
        from messages.accounts.roles import sync_roles  # noqa: PLC0415
        from statusboard import checks  # noqa: F401, PLC0415  (importing registers them)

        # Without a sender: permissions of every app must exist, whichever is migrated last.
        post_migrate.connect(sync_roles, dispatch_uid="roles")
        signals.connect()
