from .account import Account
from .callback import Callback, Outcome, TokenCheck
from .fields import Secret, SecretUnreadableError, token_digest
from .follow_up import FollowUp
from .instance import Instance, TokenPolicy
from .message import Message
from .status_event import StatusEvent
from .spooled_callback import SpooledCallback
from .webhook import Webhook, WebhookKind, WebhookState

__all__ = [
    "Account",
    "Callback",
    "FollowUp",
    "Instance",
    "Message",
    "Outcome",
    "Secret",
    "SecretUnreadableError",
    "StatusEvent",
    "TokenCheck",
    "TokenPolicy",
    "Webhook",
    "WebhookKind",
    "SpooledCallback",
    "WebhookState",
    "token_digest",
]
