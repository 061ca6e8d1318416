from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    """The app. Its label is not "messages": that one is django.contrib.messages' for good."""

    name = "messages"
    label = "whatsapp"
    verbose_name = _("WhatsApp messages")

    def ready(self) -> None:
        from statusboard import checks  # noqa: F401, PLC0415  (registers the system checks)
