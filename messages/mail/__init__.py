"""E-mail: stored by whoever sends one (`backend`), taken to the mail server by the worker."""

from .delivery import deliver_mails, mail_connection, why_mail_is_off

__all__ = ["deliver_mails", "mail_connection", "why_mail_is_off"]
