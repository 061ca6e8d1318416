"""The worker's jobs and their intervals."""

import threading

from django.contrib.sessions.backends.db import SessionStore

from messages.accounts.number_search_limits import audit_number_searches
from messages.accounts.password_resets import send_reset_links
from messages.accounts.sign_in_limits import delete_old_attempts
from messages.exports import forget_old_exports, prepare_exports
from messages.forwarding import Forwarder, drop_unwanted
from messages.incidents.detect import detect
from messages.incidents.rhythm_learning import learn_rhythms
from messages.incidents.unconfirmed_messages import confirm_labels
from messages.ingest import classify_failures, drain
from messages.instances.bulk_jobs import delete_old_batches, run_batches
from messages.instances.push import run_due_pushes
from messages.instances.verify import verify_due
from messages.mail import deliver_mails
from messages.notifications.delivery_lines import notify
from messages.notifications.notification_queue import enqueue
from messages.privacy import continue_erasures
from messages.privacy.retention import Purge
from messages.summaries import find_receipts_off, recompute, sweep
from messages.verdicts import read_queues

from .follow_ups import follow_up
from .heartbeat import delete_old_heartbeats
from .scheduler import Job


def clear_expired_sessions() -> int:
    SessionStore.clear_expired()
    return 0


def all_jobs(stop: threading.Event) -> list[Job]:
    """`stop` is passed to jobs that can run for a long time, so that they end early."""
    return [
        Job("drain", drain, every=1, alone=True),
        Job("follow up", follow_up, every=0.5, alone=True),
        Job("forward", Forwarder(stop).run, every=0.5, alone=True),
        Job("summarise", recompute, every=3, alone=True),
        Job("sweep summaries", sweep, every=600),
        Job("find receipts off", find_receipts_off, every=600, shared=True),
        Job("classify failures", classify_failures, every=600, alone=True, shared=True),
        Job("push", run_due_pushes, every=0.5, alone=True),
        Job("verify", lambda: verify_due(stop), every=5, alone=True),
        Job("batches", lambda: run_batches(stop), every=1, alone=True),
        Job("export", lambda: prepare_exports(stop), every=0.5, alone=True),
        Job("forget exports", forget_old_exports, every=600, shared=True),
        Job("forget batches", delete_old_batches, every=3600),
        Job("confirm labels", confirm_labels, every=60, shared=True),
        Job("watch", lambda: detect(enqueue), every=30, alone=True, shared=True),
        Job("read queues", read_queues, every=60, alone=True, shared=True),
        Job("password resets", send_reset_links, every=1),
        Job("send e-mails", lambda: deliver_mails(stop), every=1, alone=True),
        Job("notify", notify, every=1, alone=True),
        Job("learn rhythms", learn_rhythms, every=60, shared=True),
        Job("audit number searches", audit_number_searches, every=60, shared=True),
        Job("forget beats", delete_old_heartbeats, every=3600, shared=True),
        Job("erase", lambda: continue_erasures(stop), every=5, alone=True),
        Job("purge", Purge(stop).run, every=60, alone=True),
        Job("drop unwanted forwards", drop_unwanted, every=3600),
        Job("forget sign-in attempts", delete_old_attempts, every=600, shared=True),
        Job("clear sessions", clear_expired_sessions, every=6 * 3600),
    ]
