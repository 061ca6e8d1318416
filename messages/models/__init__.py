from .account import Account
from .callback import Callback, Outcome, TokenCheck
from .fields import Secret, SecretUnreadableError, token_digest
from .follow_up import FollowUp
from .forward import Forward, ForwardLine, ForwardProblem, ForwardState
from .instance import Instance, TokenPolicy
from .message import Message
from .spooled_callback import SpooledCallback
from .status_event import StatusEvent
from .webhook import Webhook, WebhookKind, WebhookState

__all__ = [
    "Account",
    "Callback",
    "FollowUp",
    "Forward",
    "ForwardLine",
    "ForwardProblem",
    "ForwardState",
    "Instance",
    "Message",
    "Outcome",
    "Secret",
    "SecretUnreadableError",
    "SpooledCallback",
    "StatusEvent",
    "TokenCheck",
    "TokenPolicy",
    "Webhook",
    "WebhookKind",
    "WebhookState",
    "token_digest",
]
