"""What people did, written down once and for good: `audit(user, Action.EXPORTED, ...)`."""

from messages.models import Action

from .record import audit, recipient_hash

__all__ = ["Action", "audit", "recipient_hash"]
