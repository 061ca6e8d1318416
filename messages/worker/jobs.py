"""What the worker does, and how often."""

from django.contrib.sessions.backends.db import SessionStore

from messages.instances.push import retry_due_pushes

from .loop import Job


def clear_expired_sessions() -> int:
    SessionStore.clear_expired()
    return 0


def all_jobs() -> list[Job]:
    return [
        Job("retry pushes", retry_due_pushes, every=5),
        Job("clear sessions", clear_expired_sessions, every=6 * 3600),
    ]
