from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    """The app. Its label is "whatsapp", because django.contrib.messages already uses "messages"."""

    name = "messages"
    label = "whatsapp"
    verbose_name = _("WhatsApp messages")

    def ready(self) -> None:
        # Imported here, because these modules import models, which are not loaded earlier.
        from messages.accounts import signals  # noqa: PLC0415
        from messages.accounts.roles import sync_roles  # noqa: PLC0415
        from statusboard import checks  # noqa: F401, PLC0415  (importing registers them)

        # No `sender`, so this runs after each app is migrated: the roles need the permissions of
        # all apps.
        post_migrate.connect(sync_roles, dispatch_uid="roles")
        signals.connect()
