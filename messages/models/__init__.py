from . import any_of  # noqa: F401  (registers a lookup)
from .account import Account
from .alias import Alias, OtherAddress
from .api_key import ApiKey, ApiKeyLimit, KeyRole
from .audit_event import Action, AuditEvent
from .batch import Batch, BatchKind, BatchRow, Plan, RowState
from .callback import Callback, CallbackQuerySet, Outcome, TokenCheck
from .cause import plain_cause, stored_cause, translated_cause
from .erasure import ErasedMessage, Erasure
from .export_job import ExportJob, ExportKind, ExportPiece, ExportState
from .fields import Secret, SecretUnreadableError, token_digest
from .follow_up import FollowUp
from .forward import Forward, ForwardLine, ForwardProblem, ForwardState
from .incident import Incident, IncidentKind
from .instance import Instance, InstanceQuerySet, TokenPolicy
from .known_address import KnownAddress
from .label import Label
from .last_digits import LastDigits
from .message import Message
from .notification import Channel, ChannelKind, Notification, NotificationState, Transition
from .number_searches import NumberSearches
from .password_reset import PasswordResetRequest
from .queued_mail import QueuedMail
from .retention import Kept, Retention
from .rhythm import Rhythm
from .saved_view import SavedView
from .spooled_callback import SpooledCallback
from .status_event import StatusEvent
from .summary import DailySummary, HourlySummary, TouchedHour
from .tag import Tag
from .throttle import Throttle
from .user_limit import UserLimit
from .webhook import OtherKind, Webhook, WebhookKind, WebhookState
from .worker_beat import Turn, WorkerBeat

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
    "CallbackQuerySet",
    "Channel",
    "ChannelKind",
    "DailySummary",
    "ErasedMessage",
    "Erasure",
    "ExportJob",
    "ExportKind",
    "ExportPiece",
    "ExportState",
    "FollowUp",
    "Forward",
    "ForwardLine",
    "ForwardProblem",
    "ForwardState",
    "HourlySummary",
    "Incident",
    "IncidentKind",
    "Instance",
    "InstanceQuerySet",
    "Kept",
    "KeyRole",
    "KnownAddress",
    "Label",
    "LastDigits",
    "Message",
    "Notification",
    "NotificationState",
    "NumberSearches",
    "OtherAddress",
    "OtherKind",
    "Outcome",
    "PasswordResetRequest",
    "Plan",
    "QueuedMail",
    "Retention",
    "Rhythm",
    "RowState",
    "SavedView",
    "Secret",
    "SecretUnreadableError",
    "SpooledCallback",
    "StatusEvent",
    "Tag",
    "Throttle",
    "TokenCheck",
    "TokenPolicy",
    "TouchedHour",
    "Transition",
    "Turn",
    "UserLimit",
    "Webhook",
    "WebhookKind",
    "WebhookState",
    "WorkerBeat",
    "plain_cause",
    "stored_cause",
    "token_digest",
    "translated_cause",
]
