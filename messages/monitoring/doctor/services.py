"""What Statusboard needs to run: the worker, Z-API and the mail server."""

from collections.abc import Iterator
from contextlib import closing
from smtplib import SMTPAuthenticationError, SMTPException

from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.incidents.overdue import overdue_jobs, worker_absence
from messages.mail import mail_connection, why_mail_is_off
from messages.zapi.client import ZapiError, probe

from .findings import Finding, ok, problem, warning


def worker() -> Iterator[Finding]:
    now = timezone.now()
    if worker_absence(now):
        yield problem(
            _(
                "No worker has reported for a minute. Start it: systemctl start "
                "statusboard-worker, or docker compose up --detach worker."
            )
        )
    elif late := sorted(run.job for run in overdue_jobs(now)):
        text = _("These jobs are overdue: %(jobs)s. Read the worker’s log, then restart it.")
        yield warning(text % {"jobs": ", ".join(late)})
    else:
        yield ok(_("A worker is running."))


def zapi() -> Iterator[Finding]:
    """Any answer is good. No account is called."""
    try:
        probe()
    except ZapiError as error:
        yield problem(str(error))
    else:
        yield ok("Z-API answers.")


def mail(recipient: str) -> Iterator[Finding]:
    """Connect and sign in. Nothing is sent without a recipient.

    The server's own words are not shown, because they may contain the user name.
    """
    if why_mail_is_off():
        yield warning(
            "EMAIL_URL is not set, so e-mails are only written to the worker's log. Set it to send "
            "invitations and alerts."
        )
        return
    try:
        with closing(mail_connection()) as connection:
            connection.open()
            if recipient:
                text = "This is the test e-mail of manage.py doctor."
                message = EmailMessage("Statusboard: test", text, None, [recipient])
                connection.send_messages([message])
    except SMTPAuthenticationError:
        yield problem("The mail server refuses the login. Check user and password in EMAIL_URL.")
    except (SMTPException, OSError) as error:
        yield problem(
            f"The mail server of EMAIL_URL does not work ({type(error).__name__}). Check its name, "
            "port and encryption in EMAIL_URL, and DEFAULT_FROM_EMAIL."
        )
    else:
        yield ok("The test e-mail was sent." if recipient else "The mail server accepts the login.")
