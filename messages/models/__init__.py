from .account import Account
from .alias import Alias, OtherAddress
from .api_key import ApiKey, ApiKeyLimit, KeyRole
from .audit_event import Action, AuditEvent
from .batch import Batch, BatchKind, BatchRow, Plan, RowState
from .callback import Callback, Outcome, TokenCheck
from .erasure import ErasedMessage, Erasure
from .fields import Secret, SecretUnreadableError, token_digest
from .follow_up import FollowUp
from .forward import Forward, ForwardLine, ForwardProblem, ForwardState
from .hourly_summary import HourlySummary, TouchedHour
from .instance import Instance, TokenPolicy
from .label import Label
from .message import Message
from .retention import Kept, Retention
from .saved_view import SavedView
from .spooled_callback import SpooledCallback
from .status_event import StatusEvent
from .tag import Tag
from .user_limit import UserLimit
from .webhook import Webhook, WebhookKind, WebhookState

__all__ = [
    "Account",
    "Action",
    "Alias",
    "ApiKey",
    "ApiKeyLimit",
    "AuditEvent",
    "Batch",
    "BatchKind",
    "BatchRow",
    "Callback",
    "ErasedMessage",
    "Erasure",
    "FollowUp",
    "Forward",
    "ForwardLine",
    "ForwardProblem",
    "ForwardState",
    "HourlySummary",
    "Instance",
    "Kept",
    "KeyRole",
    "Label",
    "Message",
    "OtherAddress",
    "Outcome",
    "Plan",
    "Retention",
    "RowState",
    "SavedView",
    "Secret",
    "SecretUnreadableError",
    "SpooledCallback",
    "StatusEvent",
    "Tag",
    "TokenCheck",
    "TokenPolicy",
    "TouchedHour",
    "UserLimit",
    "Webhook",
    "WebhookKind",
    "WebhookState",
    "token_digest",
]
