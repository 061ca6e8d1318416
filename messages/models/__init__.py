from . import functions  # noqa: F401  (registers a lookup)
from .account import Account, PasswordResetRequest, SavedView
from .alias import Alias, KnownAddress, OtherAddress
from .answer import Answer, Writing
from .api_key import ApiKey, ApiKeyLimit, KeyRole
from .audit_event import Action, AuditEvent
from .batch import Batch, BatchKind, BatchRow, Plan, RowState
from .callback import Callback, CallbackQuerySet, Outcome, TokenCheck
from .export_job import ExportJob, ExportKind, ExportPiece, ExportState
from .fields import Secret, SecretUnreadableError, token_digest
from .follow_up import FollowUp
from .forward import Forward, ForwardLine, ForwardState
from .functions import LastDigits
from .incident import Incident, IncidentKind, Rhythm
from .instance import Instance, InstanceQuerySet, Tag, TokenPolicy
from .label import Label
from .limits import NumberSearches, Throttle, UserLimit
from .message import Message, StatusEvent
from .notification import Channel, ChannelKind, Notification, NotificationState, Transition
from .queue_reading import QueueReading
from .queued_mail import QueuedMail
from .retention import DataKind, ErasedMessage, Erasure, Hold, Retention
from .spooled_callback import SpooledCallback
from .summary import DailyFailure, DailySummary, HourlySummary, TouchedHour
from .webhook import OtherKind, Webhook, WebhookKind, WebhookState
from .worker_beat import JobLease, WorkerBeat

__all__ = [
    "Account",
    "Action",
    "Alias",
    "Answer",
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
    "DailyFailure",
    "DailySummary",
    "DataKind",
    "ErasedMessage",
    "Erasure",
    "ExportJob",
    "ExportKind",
    "ExportPiece",
    "ExportState",
    "FollowUp",
    "Forward",
    "ForwardLine",
    "ForwardState",
    "Hold",
    "HourlySummary",
    "Incident",
    "IncidentKind",
    "Instance",
    "InstanceQuerySet",
    "JobLease",
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
    "QueueReading",
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
    "UserLimit",
    "Webhook",
    "WebhookKind",
    "WebhookState",
    "WorkerBeat",
    "Writing",
    "token_digest",
]
