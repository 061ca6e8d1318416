from .account import Account
from .callback import Callback, Outcome
from .fields import Secret, SecretUnreadableError
from .instance import Instance
from .message import Message
from .status_event import StatusEvent
from .webhook import Webhook, WebhookKind, WebhookState

__all__ = [
    "Account",
    "Callback",
    "Instance",
    "Message",
    "Outcome",
    "Secret",
    "SecretUnreadableError",
    "StatusEvent",
    "Webhook",
    "WebhookKind",
    "WebhookState",
]
