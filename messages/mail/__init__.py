"""E-mail: the backend queues messages, the worker sends them."""

from .sender import deliver_mails, mail_connection, why_mail_is_off

__all__ = ["deliver_mails", "mail_connection", "why_mail_is_off"]
