"""The schema of version 1.0, without the steps of the versions before it.

A database of the last version before 1.0 has it already: its migrations are the ones replaced.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import messages.models.export_job
import messages.models.fields
import messages.models.functions
import messages.models.label
import uuid
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, migrations, models, router, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Audit events are never updated, nor deleted before the shortest time that the log is kept for
# (messages.privacy.retention.SHORTEST). SQLite, where tests empty their tables with DELETE, has only
# the first of these rules. Row triggers do not run when a table is truncated; the tests, which empty
# every table, say that they may (tests/environment.py). So may the owner of the database.
_AUDIT_POSTGRESQL = """
CREATE FUNCTION whatsapp_audit_is_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An audit event is never changed, nor deleted within 180 days.';
END $$;
CREATE TRIGGER audit_never_changed BEFORE UPDATE ON whatsapp_auditevent
    FOR EACH ROW EXECUTE FUNCTION whatsapp_audit_is_written_once();
CREATE TRIGGER audit_not_deleted_early BEFORE DELETE ON whatsapp_auditevent
    FOR EACH ROW WHEN (OLD.at > now() - interval '180 days')
    EXECUTE FUNCTION whatsapp_audit_is_written_once();
CREATE FUNCTION whatsapp_audit_is_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('statusboard.may_empty_audit', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'The audit log is never emptied.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON whatsapp_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION whatsapp_audit_is_not_emptied();
"""
_AUDIT_SQLITE = """
CREATE TRIGGER audit_never_changed BEFORE UPDATE ON whatsapp_auditevent
BEGIN SELECT RAISE(ABORT, 'An audit event is never changed.'); END;
"""
# For searches by a part of a text, on PostgreSQL only. SQLite reads its fewer rows instead.
_PARTS = (
    "CREATE INDEX alias_number_holds ON whatsapp_alias USING gin (number gin_trgm_ops)",
    "CREATE INDEX known_address_holds ON whatsapp_knownaddress USING gin (address gin_trgm_ops)",
    "CREATE INDEX label_holds ON whatsapp_label USING gin (label_folded gin_trgm_ops)",
    "CREATE INDEX label_masked_holds ON whatsapp_label USING gin (label_masked gin_trgm_ops)",
)


def create_cache_table(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The counters of sign-in attempts, so that `migrate` is all that an operator has to run."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


def protect_audit(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    if not router.allow_migrate(connection.alias, "whatsapp", model_name="auditevent"):
        return
    with connection.cursor() as cursor:
        cursor.execute(_AUDIT_POSTGRESQL if connection.vendor == "postgresql" else _AUDIT_SQLITE)


def index_parts(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        # Not allowed or not installed: these searches work without it, only more slowly.
        return
    for statement in _PARTS:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("whatsapp", "0001_initial"),
        ("whatsapp", "0002_cache_table"),
        ("whatsapp", "0003_evidence_of_the_token_and_follow_ups"),
        ("whatsapp", "0004_spooled_callback"),
        ("whatsapp", "0005_what_the_quarantine_holds"),
        ("whatsapp", "0006_forward"),
        ("whatsapp", "0007_indexes_that_earn_their_writes"),
        ("whatsapp", "0008_no_constraints_on_the_hot_path"),
        ("whatsapp", "0009_who_sees_what_and_who_did_what"),
        ("whatsapp", "0010_labels_and_api_keys"),
        ("whatsapp", "0011_retention_and_erasure"),
        ("whatsapp", "0012_discarded_callbacks"),
        ("whatsapp", "0013_search_for_people"),
        ("whatsapp", "0014_hourly_summaries"),
        ("whatsapp", "0015_verification_tags_and_batches"),
        ("whatsapp", "0016_incidents_and_whom_they_are_told"),
        ("whatsapp", "0017_urls_taken_with_every_webhook"),
        ("whatsapp", "0018_a_limit_outlives_its_account"),
        ("whatsapp", "0019_groups_found_at_once"),
        ("whatsapp", "0020_follow_ups_set_aside"),
        ("whatsapp", "0021_known_addresses"),
        ("whatsapp", "0022_prepared_exports"),
        ("whatsapp", "0023_thresholds_in_plainer_words"),
        ("whatsapp", "0024_audit_is_not_emptied"),
        ("whatsapp", "0025_kinds_of_trouble"),
        ("whatsapp", "0026_ties_and_labels_found_by_parts"),
        ("whatsapp", "0027_tokens_others_hooks_and_attempts"),
        ("whatsapp", "0028_what_connections_and_spools_tell"),
        ("whatsapp", "0029_index_summaries_by_instance"),
        ("whatsapp", "0030_find_by_time_of_sending"),
        ("whatsapp", "0031_find_by_last_digits"),
        ("whatsapp", "0032_days_added_up"),
        ("whatsapp", "0033_one_apostrophe"),
        ("whatsapp", "0034_queued_mail"),
        ("whatsapp", "0035_throttles"),
        ("whatsapp", "0036_password_reset_requests"),
        ("whatsapp", "0037_calls_refused"),
        ("whatsapp", "0038_exports_of_every_kind"),
        ("whatsapp", "0039_number_searches"),
        ("whatsapp", "0040_labels_as_masked_people_read_them"),
        ("whatsapp", "0041_audit_of_number_searches"),
        ("whatsapp", "0042_unknown_webhooks"),
        ("whatsapp", "0043_what_status_says"),
        ("whatsapp", "0044_one_address_a_person"),
        ("whatsapp", "0045_unknown_types_contacts_and_numbers"),
        ("whatsapp", "0046_find_callbacks_with_a_cause"),
        ("whatsapp", "0047_overdue_jobs"),
        ("whatsapp", "0048_zaap_ids_of_labels"),
        ("whatsapp", "0049_find_labels_by_either_id"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "client_token",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="Client-Token"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "next_turn_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "partner_token",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="partner token"
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="Callback",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type", models.CharField(blank=True, max_length=128, verbose_name="type")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("repeated", "Repeated"),
                            ("ignored", "Ignored"),
                            ("quarantined", "Rejected"),
                            ("erased", "Erased"),
                            ("discarded", "Discarded"),
                        ],
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=300, verbose_name="cause")),
                ("size", models.IntegerField(verbose_name="size in bytes")),
                ("body", models.BinaryField(blank=True, verbose_name="body")),
                (
                    "token_check",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("matches", "Matches"),
                            ("differs", "Differs"),
                            ("missing", "Missing"),
                        ],
                        max_length=8,
                        verbose_name="z-api-token",
                    ),
                ),
            ],
            options={
                "verbose_name": "callback",
                "verbose_name_plural": "callbacks",
            },
        ),
        migrations.CreateModel(
            name="ErasedMessage",
            fields=[
                ("fingerprint", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "erased_at",
                    models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="erased"),
                ),
            ],
            options={
                "verbose_name": "marker of an erased message",
                "verbose_name_plural": "markers of erased messages",
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("requested_at", models.DateTimeField(auto_now_add=True, verbose_name="requested")),
                (
                    "subject",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="addresses"
                    ),
                ),
                ("people", models.JSONField(default=list, verbose_name="people, hashed")),
                ("reached", models.UUIDField(null=True)),
                ("erased", models.JSONField(default=dict, verbose_name="erased")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                ("only_spool_left", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "ordering": ["-requested_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("message-status", "Message status"),
                            ("delivery", "Delivery"),
                            ("connected", "Connected"),
                            ("disconnected", "Disconnected"),
                            ("received", "Inbound messages"),
                            ("received-delivery", "Inbound and own messages"),
                            ("chat-presence", "Presence in chats"),
                            ("received-status", "Received status"),
                            ("initial-data", "Initial data"),
                        ],
                        max_length=64,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("never verified", "Never verified"),
                            ("in sync", "In sync"),
                            ("differs", "Differs"),
                            ("unreachable", "Unreachable"),
                            ("off", "Off"),
                        ],
                        default="never verified",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "pushed_url",
                    models.CharField(blank=True, max_length=500, verbose_name="pushed URL"),
                ),
                ("pushed_at", models.DateTimeField(null=True, verbose_name="pushed")),
                (
                    "found_url",
                    models.CharField(blank=True, max_length=500, verbose_name="URL found at Z-API"),
                ),
                ("checked_at", models.DateTimeField(null=True, verbose_name="checked")),
                (
                    "previous_url",
                    models.CharField(blank=True, max_length=500, verbose_name="previous URL"),
                ),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
                (
                    "retry_at",
                    models.DateTimeField(db_index=True, null=True, verbose_name="next try"),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "forward_to",
                    models.CharField(blank=True, max_length=500, verbose_name="forward to"),
                ),
                (
                    "forwards_token",
                    models.BooleanField(
                        default=False,
                        help_text="This token can send messages. Forward it only to a receiver that needs it.",
                        verbose_name="forward z-api-token",
                    ),
                ),
                ("asked_at", models.DateTimeField(null=True, verbose_name="requested")),
                ("heard_at", models.DateTimeField(null=True, verbose_name="first callback")),
                ("replaces_url", models.CharField(blank=True, default="", max_length=500)),
                ("wanted", models.BooleanField(null=True, verbose_name="wanted")),
                ("tried_at", models.DateTimeField(null=True, verbose_name="tried")),
            ],
            options={
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
            },
        ),
        migrations.CreateModel(
            name="Instance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "zapi_id",
                    models.CharField(max_length=128, unique=True, verbose_name="instance id"),
                ),
                (
                    "token",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="token"
                    ),
                ),
                (
                    "key_version",
                    models.PositiveIntegerField(
                        default=1, editable=False, verbose_name="key version"
                    ),
                ),
                ("oldest_key_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "connected",
                    models.BooleanField(editable=False, null=True, verbose_name="connected"),
                ),
                ("connection_changed_at", models.DateTimeField(editable=False, null=True)),
                ("connection_reason", models.CharField(blank=True, editable=False, max_length=300)),
                (
                    "archived_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="archived"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("token_digest", models.CharField(blank=True, editable=False, max_length=64)),
                (
                    "token_policy",
                    models.CharField(
                        choices=[("observe", "Observe"), ("enforce", "Enforce"), ("off", "Off")],
                        default="observe",
                        help_text="Z-API usually sends its token with each callback. Observe: only count mismatches. Enforce: refuse them.",
                        max_length=8,
                        verbose_name="z-api-token",
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last verified"),
                ),
                (
                    "due_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="paid until"),
                ),
                ("failed_checks", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("filters", models.JSONField(editable=False, null=True, verbose_name="filters")),
                ("key_rotated_at", models.DateTimeField(editable=False, null=True)),
                (
                    "next_check_at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, editable=False
                    ),
                ),
                (
                    "payment_status",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        max_length=40,
                        verbose_name="payment",
                    ),
                ),
                (
                    "failing_percent",
                    models.PositiveSmallIntegerField(
                        default=20,
                        help_text="Alert when this share of the last 30 minutes’ messages failed.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="failure rate (%)",
                    ),
                ),
                (
                    "silence_factor",
                    models.FloatField(
                        default=3,
                        help_text="A connected instance raises an alert after this many times its usual silence.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="alert after … times the usual silence",
                    ),
                ),
                (
                    "silence_floor",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="Shorter silences never raise an alert.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="shortest silence to report (minutes)",
                    ),
                ),
                (
                    "stuck_after",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="A message not delivered by then counts as stuck.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="stuck after (minutes)",
                    ),
                ),
                ("taken_urls", models.JSONField(default=dict, editable=False)),
                (
                    "previous_token_digest",
                    models.CharField(blank=True, default="", editable=False, max_length=64),
                ),
                ("previous_token_until", models.DateTimeField(editable=False, null=True)),
                ("taken_sent_by_me", models.BooleanField(editable=False, null=True)),
                ("token_refused_at", models.DateTimeField(editable=False, null=True)),
                ("tokens_refused", models.PositiveIntegerField(default=0, editable=False)),
                ("connection_reported_at", models.DateTimeField(editable=False, null=True)),
                ("smartphone_connected", models.BooleanField(editable=False, null=True)),
                (
                    "status_error",
                    models.CharField(blank=True, default="", editable=False, max_length=300),
                ),
                (
                    "number",
                    models.CharField(blank=True, default="", editable=False, max_length=128),
                ),
                ("number_changed_at", models.DateTimeField(editable=False, null=True)),
                ("number_reported_at", models.DateTimeField(editable=False, null=True)),
                (
                    "previous_number",
                    models.CharField(blank=True, default="", editable=False, max_length=128),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="instances",
                        to="whatsapp.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "instance",
                "verbose_name_plural": "instances",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="PasswordResetRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "address",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="address"
                    ),
                ),
                ("language", models.CharField(max_length=20, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
            ],
            options={
                "verbose_name": "password reset request",
                "verbose_name_plural": "password reset requests",
            },
        ),
        migrations.CreateModel(
            name="QueuedMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "content",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="content"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                (
                    "next_try_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
            ],
            options={
                "verbose_name": "queued e-mail",
                "verbose_name_plural": "queued e-mails",
            },
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("messages", "Messages and their timelines"),
                            ("callbacks", "Callbacks (record of arrival)"),
                            ("bodies", "Raw callback bodies"),
                            ("incidents", "Resolved problems"),
                            ("audit", "Audit log"),
                            ("erasures", "Markers of erased messages"),
                        ],
                        max_length=16,
                        primary_key=True,
                        serialize=False,
                        verbose_name="what",
                    ),
                ),
                ("days", models.PositiveIntegerField(verbose_name="days")),
                ("reached", models.UUIDField(null=True)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="last completed")),
            ],
            options={
                "verbose_name": "retention",
                "verbose_name_plural": "retention",
            },
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                (
                    "key",
                    models.CharField(
                        max_length=80, primary_key=True, serialize=False, verbose_name="key"
                    ),
                ),
                (
                    "free_at",
                    models.BigIntegerField(db_index=True, default=0, verbose_name="free at"),
                ),
                ("left_out", models.PositiveIntegerField(default=0, verbose_name="left out")),
            ],
            options={
                "verbose_name": "throttle",
                "verbose_name_plural": "throttles",
            },
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("job", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="WorkerBeat",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("host", models.CharField(max_length=255, verbose_name="machine")),
                ("pid", models.PositiveIntegerField(verbose_name="process")),
                ("only", models.CharField(blank=True, max_length=64, verbose_name="only")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("beat_at", models.DateTimeField(verbose_name="last heartbeat")),
                ("stopped_at", models.DateTimeField(null=True, verbose_name="stopped")),
                ("jobs", models.JSONField(default=dict, verbose_name="jobs")),
                (
                    "spool_waiting",
                    models.PositiveIntegerField(
                        default=0, verbose_name="waiting in the offline buffer"
                    ),
                ),
                ("spool_oldest", models.DateTimeField(null=True)),
                (
                    "spool_refused",
                    models.PositiveIntegerField(
                        default=0, verbose_name="rejected in the offline buffer"
                    ),
                ),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "prefix",
                    models.CharField(
                        editable=False, max_length=16, unique=True, verbose_name="begins with"
                    ),
                ),
                ("hash", models.CharField(editable=False, max_length=64)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("support", "Support"),
                            ("supervisor", "Supervisor"),
                            ("admin", "Admin"),
                        ],
                        max_length=16,
                        verbose_name="role",
                    ),
                ),
                ("may_read", models.BooleanField(default=True, verbose_name="may read")),
                (
                    "may_label",
                    models.BooleanField(default=False, verbose_name="may label messages"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                (
                    "revoked_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="revoked"),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last used"),
                ),
                ("requests", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("import", "Import instances"),
                            ("push", "Push all"),
                            ("verify", "Verify all"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "pushes",
                    models.BooleanField(default=False, verbose_name="push imported instances"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="whatsapp.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch",
                "verbose_name_plural": "batches",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ExportJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("query", models.TextField(blank=True, verbose_name="query")),
                ("language", models.CharField(max_length=20, verbose_name="language")),
                ("zone", models.CharField(max_length=64, verbose_name="time zone")),
                ("sight", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("too long", "Too large"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="rows")),
                ("written", models.PositiveIntegerField(default=0, verbose_name="written")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="bytes")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        db_index=True,
                        default=messages.models.export_job._expiry,
                        verbose_name="expires",
                    ),
                ),
                ("next_try_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("csv", "Messages as CSV"),
                            ("xlsx", "Messages as Excel"),
                            ("audit", "Audit log as CSV"),
                            ("person", "One person’s data"),
                        ],
                        default="xlsx",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exports",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "prepared export",
                "verbose_name_plural": "prepared exports",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ExportPiece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("body", models.BinaryField(verbose_name="body")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pieces",
                        to="whatsapp.exportjob",
                    ),
                ),
            ],
            options={
                "verbose_name": "piece of an export",
                "verbose_name_plural": "pieces of exports",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="ForwardLine",
            fields=[
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unsafe", "The receiver’s URL points to a private network."),
                            ("unreachable", "The receiver cannot be reached."),
                            ("not trusted", "The receiver’s certificate is not trusted."),
                            ("too slow", "The receiver did not answer in time."),
                            ("impossible", "The request could not be sent."),
                            ("redirects", "The receiver’s URL has changed. Enter the new one."),
                            ("forbids", "The receiver refused access."),
                            ("not there", "The receiver’s URL was not found. Check it."),
                            ("too many", "The receiver asks for fewer requests."),
                            ("fault", "The receiver returned an error."),
                            ("refuses", "The receiver rejected this callback."),
                            (
                                "no token",
                                "The instance’s token cannot be decrypted. Enter it again.",
                            ),
                        ],
                        max_length=16,
                        verbose_name="problem",
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status")),
                (
                    "webhook",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="forward_line",
                        serialize=False,
                        to="whatsapp.webhook",
                        verbose_name="webhook",
                    ),
                ),
                ("next_try_at", models.DateTimeField(verbose_name="next try")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                ("failing_since", models.DateTimeField(null=True, verbose_name="failing since")),
            ],
            options={
                "verbose_name": "forwarding queue",
                "verbose_name_plural": "forwarding queues",
            },
        ),
        migrations.CreateModel(
            name="Forward",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unsafe", "The receiver’s URL points to a private network."),
                            ("unreachable", "The receiver cannot be reached."),
                            ("not trusted", "The receiver’s certificate is not trusted."),
                            ("too slow", "The receiver did not answer in time."),
                            ("impossible", "The request could not be sent."),
                            ("redirects", "The receiver’s URL has changed. Enter the new one."),
                            ("forbids", "The receiver refused access."),
                            ("not there", "The receiver’s URL was not found. Check it."),
                            ("too many", "The receiver asks for fewer requests."),
                            ("fault", "The receiver returned an error."),
                            ("refuses", "The receiver rejected this callback."),
                            (
                                "no token",
                                "The instance’s token cannot be decrypted. Enter it again.",
                            ),
                        ],
                        max_length=16,
                        verbose_name="problem",
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status")),
                ("body", models.BinaryField(verbose_name="body")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("given up", "Given up")],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("waiting_since", models.DateTimeField(verbose_name="waiting since")),
                (
                    "callback",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.callback",
                        verbose_name="callback",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="forwards",
                        to="whatsapp.webhook",
                        verbose_name="webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "callback to forward",
                "verbose_name_plural": "callbacks to forward",
            },
        ),
        migrations.CreateModel(
            name="Rhythm",
            fields=[
                (
                    "instance",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="rhythm",
                        serialize=False,
                        to="whatsapp.instance",
                    ),
                ),
                ("learnt_at", models.DateTimeField()),
                ("hours", models.JSONField(default=list)),
                ("longest", models.FloatField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="webhook",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="webhooks",
                to="whatsapp.instance",
            ),
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("disconnected", "Instance disconnected"),
                            ("webhook", "Wrong webhook URL"),
                            ("no worker", "No worker is running"),
                            ("deaf", "No callbacks are arriving"),
                            ("filtered", "Callbacks filtered at Z-API"),
                            ("number", "Number changed"),
                            ("silent", "Connected, but no callbacks"),
                            ("unreachable", "Cannot reach Z-API"),
                            ("stuck", "Messages stuck"),
                            ("failing", "High failure rate"),
                            ("forwarding", "Forwarding is failing"),
                            ("spool", "Offline buffer not empty"),
                            ("stranger", "Callbacks from another instance"),
                            ("guessing", "Many failed phone searches"),
                            ("quarantine", "Rejected callbacks"),
                            ("worker", "A worker stopped"),
                            ("job", "A worker job is overdue"),
                            ("channel", "Notifications are failing"),
                            ("expiring", "Subscription expiring"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("place", models.CharField(blank=True, max_length=255, verbose_name="machine")),
                ("values", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                ("clear_since", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True, verbose_name="resolved")),
                ("acknowledged_at", models.DateTimeField(null=True, verbose_name="acknowledged")),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="acknowledged by",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
            },
        ),
        migrations.CreateModel(
            name="HourlySummary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(verbose_name="hour")),
                ("is_group", models.BooleanField(verbose_name="group")),
                ("messages", models.IntegerField(default=0, verbose_name="messages")),
                ("accepted", models.IntegerField(default=0, verbose_name="accepted")),
                ("sent", models.IntegerField(default=0, verbose_name="sent")),
                ("delivered", models.IntegerField(default=0, verbose_name="delivered")),
                ("read", models.IntegerField(default=0, verbose_name="read")),
                ("played", models.IntegerField(default=0, verbose_name="played")),
                ("failed", models.IntegerField(default=0, verbose_name="failed")),
                (
                    "waiting_to_send",
                    models.IntegerField(default=0, verbose_name="waiting to be sent"),
                ),
                (
                    "waiting_to_deliver",
                    models.IntegerField(default=0, verbose_name="waiting for delivery"),
                ),
                ("computed_at", models.DateTimeField(verbose_name="counted")),
                ("delivered_within_1", models.IntegerField(default=0)),
                ("delivered_within_2", models.IntegerField(default=0)),
                ("delivered_within_4", models.IntegerField(default=0)),
                ("delivered_within_8", models.IntegerField(default=0)),
                ("delivered_within_15", models.IntegerField(default=0)),
                ("delivered_within_30", models.IntegerField(default=0)),
                ("delivered_within_60", models.IntegerField(default=0)),
                ("delivered_within_120", models.IntegerField(default=0)),
                ("delivered_within_240", models.IntegerField(default=0)),
                ("delivered_within_480", models.IntegerField(default=0)),
                ("delivered_within_900", models.IntegerField(default=0)),
                ("delivered_within_1800", models.IntegerField(default=0)),
                ("delivered_within_3600", models.IntegerField(default=0)),
                ("delivered_within_7200", models.IntegerField(default=0)),
                ("delivered_within_14400", models.IntegerField(default=0)),
                ("delivered_within_28800", models.IntegerField(default=0)),
                ("delivered_within_86400", models.IntegerField(default=0)),
                ("delivered_timed", models.IntegerField(default=0)),
                ("read_within_1", models.IntegerField(default=0)),
                ("read_within_2", models.IntegerField(default=0)),
                ("read_within_4", models.IntegerField(default=0)),
                ("read_within_8", models.IntegerField(default=0)),
                ("read_within_15", models.IntegerField(default=0)),
                ("read_within_30", models.IntegerField(default=0)),
                ("read_within_60", models.IntegerField(default=0)),
                ("read_within_120", models.IntegerField(default=0)),
                ("read_within_240", models.IntegerField(default=0)),
                ("read_within_480", models.IntegerField(default=0)),
                ("read_within_900", models.IntegerField(default=0)),
                ("read_within_1800", models.IntegerField(default=0)),
                ("read_within_3600", models.IntegerField(default=0)),
                ("read_within_7200", models.IntegerField(default=0)),
                ("read_within_14400", models.IntegerField(default=0)),
                ("read_within_28800", models.IntegerField(default=0)),
                ("read_within_86400", models.IntegerField(default=0)),
                ("read_timed", models.IntegerField(default=0)),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "hourly summary",
                "verbose_name_plural": "hourly summaries",
            },
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("type", models.CharField(blank=True, max_length=128)),
                ("body", models.BinaryField(null=True)),
                ("set_aside_at", models.DateTimeField(null=True)),
                ("lid", models.CharField(max_length=128, null=True)),
                ("number", models.CharField(max_length=128, null=True)),
                (
                    "callback",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.callback",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.instance",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DailySummary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_group", models.BooleanField(verbose_name="group")),
                ("messages", models.IntegerField(default=0, verbose_name="messages")),
                ("accepted", models.IntegerField(default=0, verbose_name="accepted")),
                ("sent", models.IntegerField(default=0, verbose_name="sent")),
                ("delivered", models.IntegerField(default=0, verbose_name="delivered")),
                ("read", models.IntegerField(default=0, verbose_name="read")),
                ("played", models.IntegerField(default=0, verbose_name="played")),
                ("failed", models.IntegerField(default=0, verbose_name="failed")),
                (
                    "waiting_to_send",
                    models.IntegerField(default=0, verbose_name="waiting to be sent"),
                ),
                (
                    "waiting_to_deliver",
                    models.IntegerField(default=0, verbose_name="waiting for delivery"),
                ),
                ("computed_at", models.DateTimeField(verbose_name="counted")),
                ("delivered_within_1", models.IntegerField(default=0)),
                ("delivered_within_2", models.IntegerField(default=0)),
                ("delivered_within_4", models.IntegerField(default=0)),
                ("delivered_within_8", models.IntegerField(default=0)),
                ("delivered_within_15", models.IntegerField(default=0)),
                ("delivered_within_30", models.IntegerField(default=0)),
                ("delivered_within_60", models.IntegerField(default=0)),
                ("delivered_within_120", models.IntegerField(default=0)),
                ("delivered_within_240", models.IntegerField(default=0)),
                ("delivered_within_480", models.IntegerField(default=0)),
                ("delivered_within_900", models.IntegerField(default=0)),
                ("delivered_within_1800", models.IntegerField(default=0)),
                ("delivered_within_3600", models.IntegerField(default=0)),
                ("delivered_within_7200", models.IntegerField(default=0)),
                ("delivered_within_14400", models.IntegerField(default=0)),
                ("delivered_within_28800", models.IntegerField(default=0)),
                ("delivered_within_86400", models.IntegerField(default=0)),
                ("delivered_timed", models.IntegerField(default=0)),
                ("read_within_1", models.IntegerField(default=0)),
                ("read_within_2", models.IntegerField(default=0)),
                ("read_within_4", models.IntegerField(default=0)),
                ("read_within_8", models.IntegerField(default=0)),
                ("read_within_15", models.IntegerField(default=0)),
                ("read_within_30", models.IntegerField(default=0)),
                ("read_within_60", models.IntegerField(default=0)),
                ("read_within_120", models.IntegerField(default=0)),
                ("read_within_240", models.IntegerField(default=0)),
                ("read_within_480", models.IntegerField(default=0)),
                ("read_within_900", models.IntegerField(default=0)),
                ("read_within_1800", models.IntegerField(default=0)),
                ("read_within_3600", models.IntegerField(default=0)),
                ("read_within_7200", models.IntegerField(default=0)),
                ("read_within_14400", models.IntegerField(default=0)),
                ("read_within_28800", models.IntegerField(default=0)),
                ("read_within_86400", models.IntegerField(default=0)),
                ("read_timed", models.IntegerField(default=0)),
                ("day", models.DateField(verbose_name="day")),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "daily summary",
                "verbose_name_plural": "daily summaries",
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail"),
                            ("slack", "Slack-compatible webhook"),
                            ("webhook", "Signed webhook"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "address",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="address"
                    ),
                ),
                (
                    "secret",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="signing secret"
                    ),
                ),
                ("kinds", models.JSONField(blank=True, default=list, verbose_name="kinds")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("pt-br", "Brazilian Portuguese")],
                        default="en",
                        max_length=8,
                        verbose_name="language",
                    ),
                ),
                (
                    "pause",
                    models.PositiveSmallIntegerField(
                        default=10, verbose_name="minutes between alerts"
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "next_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                (
                    "problem",
                    models.CharField(
                        blank=True, editable=False, max_length=300, verbose_name="problem"
                    ),
                ),
                (
                    "told_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last sent"),
                ),
                (
                    "instances",
                    models.ManyToManyField(
                        blank=True,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instances",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification channel",
                "verbose_name_plural": "notification channels",
                "ordering": ["name", "id"],
            },
        ),
        migrations.AddField(
            model_name="callback",
            name="instance",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="callbacks",
                to="whatsapp.instance",
                verbose_name="instance",
            ),
        ),
        migrations.CreateModel(
            name="BatchRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="row")),
                (
                    "plan",
                    models.CharField(
                        choices=[
                            ("add", "Add"),
                            ("update", "Update"),
                            ("skip", "Skip"),
                            ("refuse", "Cannot be imported"),
                            ("push", "Push"),
                            ("verify", "Verify"),
                        ],
                        max_length=10,
                        verbose_name="action",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("left out", "Left out"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
                ("name", models.CharField(blank=True, max_length=100, verbose_name="name")),
                (
                    "zapi_id",
                    models.CharField(blank=True, max_length=128, verbose_name="instance id"),
                ),
                (
                    "token",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="token"
                    ),
                ),
                (
                    "client_token",
                    messages.models.fields.SecretField(
                        blank=True, default="", editable=False, verbose_name="Client-Token"
                    ),
                ),
                ("tags", models.CharField(blank=True, max_length=500, verbose_name="tags")),
                ("next_try_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("done_at", models.DateTimeField(null=True, verbose_name="done")),
                ("changes", models.JSONField(default=dict, verbose_name="changes")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="whatsapp.batch",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "row of a batch",
                "verbose_name_plural": "rows of batches",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="when")),
                ("actor_name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("signed in", "Signed in"),
                            ("sign-in failed", "Sign-in failed"),
                            ("signed out", "Signed out"),
                            ("two-factor changed", "Two-factor changed"),
                            ("invited", "Invited a person"),
                            ("user changed", "Changed a person’s access"),
                            ("phone revealed", "Revealed a number"),
                            ("phone looked up", "Checked a number with Z-API"),
                            ("calls refused", "Exceeded the limit of calls to other servers"),
                            ("numbers searched", "Searched for phone numbers"),
                            ("exported", "Exported messages"),
                            ("account changed", "Changed an account"),
                            ("instance added", "Added an instance"),
                            ("instance changed", "Changed an instance"),
                            ("webhook pushed", "Pushed a webhook"),
                            ("webhook restored", "Restored a webhook’s previous URL"),
                            ("webhook left", "Left a webhook unchanged"),
                            ("key rotated", "Rotated a webhook’s key"),
                            ("key retired", "Disabled a webhook’s old key"),
                            ("instances imported", "Imported instances"),
                            ("batch started", "Started a batch"),
                            ("encryption rotated", "Rotated the encryption key"),
                            ("forwarding changed", "Changed forwarding"),
                            ("replayed", "Reprocessed callbacks"),
                            ("discarded", "Discarded callbacks"),
                            ("incident changed", "Changed a problem"),
                            ("channel changed", "Changed a notification channel"),
                            ("api key created", "Created an API key"),
                            ("api key revoked", "Revoked an API key"),
                            ("labelled", "Labelled messages"),
                            ("audit exported", "Exported the audit log"),
                            ("person found", "Looked up a person’s data"),
                            ("person exported", "Exported a person’s data"),
                            ("person erased", "Erased a person’s data"),
                            ("retention changed", "Changed retention"),
                            ("purged", "Deleted old data"),
                        ],
                        max_length=40,
                        verbose_name="action",
                    ),
                ),
                ("message_pk", models.BigIntegerField(null=True, verbose_name="message")),
                (
                    "recipient",
                    models.CharField(blank=True, max_length=64, verbose_name="recipient, hashed"),
                ),
                ("address", models.CharField(blank=True, max_length=45, verbose_name="address")),
                ("details", models.JSONField(default=dict, verbose_name="details")),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit events",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ApiKeyLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="whatsapp.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to="whatsapp.apikey",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key’s limit",
                "verbose_name_plural": "API keys’ limits",
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lid", models.CharField(max_length=128, verbose_name="LID")),
                ("number", models.CharField(max_length=128, verbose_name="number")),
                ("seen_at", models.DateTimeField(auto_now_add=True, verbose_name="first seen")),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "alias",
                "verbose_name_plural": "aliases",
            },
        ),
        migrations.CreateModel(
            name="KnownAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=128, verbose_name="address")),
            ],
            options={
                "verbose_name": "known address",
                "verbose_name_plural": "known addresses",
                "indexes": [
                    models.Index(
                        messages.models.functions.LastDigits("address"), name="known_address_ends"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("address",), name="known_address_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("zapi_id", models.CharField(max_length=128, verbose_name="message id")),
                (
                    "reference",
                    models.CharField(blank=True, max_length=128, verbose_name="reference"),
                ),
                ("label", models.CharField(blank=True, max_length=200, verbose_name="label")),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "label_folded",
                    messages.models.label.FoldedField(blank=True, default="", editable=False),
                ),
                (
                    "label_masked",
                    messages.models.label.MaskedField(blank=True, default="", editable=False),
                ),
                (
                    "zaap_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=128,
                        verbose_name="Z-API id",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "label",
                "verbose_name_plural": "labels",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("zapi_id", models.CharField(max_length=128, verbose_name="message id")),
                ("zaap_id", models.CharField(blank=True, max_length=128, verbose_name="Z-API id")),
                ("rank", models.SmallIntegerField(verbose_name="rank")),
                ("phone", models.CharField(blank=True, max_length=128, verbose_name="recipient")),
                ("is_group", models.BooleanField(verbose_name="group")),
                ("several", models.BooleanField(default=False, verbose_name="several addresses")),
                ("inbound", models.BooleanField(verbose_name="inbound")),
                ("first_heard_at", models.DateTimeField(verbose_name="first seen")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("last_event_at", models.DateTimeField(null=True, verbose_name="last event")),
                ("accepted_at", models.DateTimeField(null=True, verbose_name="accepted")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("failed_at", models.DateTimeField(null=True, verbose_name="failed")),
                ("failure", models.CharField(blank=True, max_length=300, verbose_name="failure")),
                ("delivered_at", models.DateTimeField(null=True, verbose_name="delivered")),
                ("read_at", models.DateTimeField(null=True, verbose_name="read")),
                ("played_at", models.DateTimeField(null=True, verbose_name="played")),
                ("by_us_at", models.DateTimeField(null=True, verbose_name="read by us")),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="message_set",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "permissions": [
                    ("see_phones", "Can see whole phone numbers"),
                    ("reveal_phone", "Can reveal a masked phone number"),
                    ("export_message", "Can export messages"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "transition",
                    models.CharField(
                        choices=[
                            ("opened", "Opened"),
                            ("resolved", "Resolved"),
                            ("merged", "Merged"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("told", "Notified"),
                            ("given up", "Given up"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("digest", models.UUIDField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="whatsapp.channel",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="whatsapp.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
            },
        ),
        migrations.CreateModel(
            name="NumberSearches",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("who", models.CharField(max_length=40, verbose_name="who")),
                ("name", models.CharField(max_length=150, verbose_name="name")),
                ("hour", models.DateTimeField(db_index=True, verbose_name="hour")),
                ("minute", models.DateTimeField(verbose_name="minute")),
                ("in_minute", models.PositiveIntegerField(default=0)),
                ("searches", models.PositiveIntegerField(default=0, verbose_name="searches")),
                (
                    "in_vain",
                    models.PositiveIntegerField(default=0, verbose_name="without a result"),
                ),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="refused")),
                ("is_audited", models.BooleanField(default=False)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "searches for numbers",
                "verbose_name_plural": "searches for numbers",
            },
        ),
        migrations.CreateModel(
            name="OtherAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=128, verbose_name="address")),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="other_addresses",
                        to="whatsapp.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "other address",
                "verbose_name_plural": "other addresses",
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=1000, verbose_name="query")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="SpooledCallback",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("zapi_id", models.CharField(max_length=128, verbose_name="instance id")),
                ("key_version", models.PositiveIntegerField(verbose_name="key version")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("body", models.BinaryField(verbose_name="body")),
                ("token_digest", models.CharField(blank=True, max_length=64)),
                ("cause", models.CharField(blank=True, max_length=300, verbose_name="cause")),
            ],
            options={
                "verbose_name": "spooled callback",
                "verbose_name_plural": "spooled callbacks",
                "indexes": [models.Index(fields=["cause", "id"], name="spooled_in_order")],
            },
        ),
        migrations.CreateModel(
            name="StatusEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=128, verbose_name="callback type")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ACCEPTED", "Accepted"),
                            ("PENDING", "Pending"),
                            ("SENT", "Sent"),
                            ("FAILED", "Failed"),
                            ("RECEIVED", "Delivered"),
                            ("READ", "Read"),
                            ("PLAYED", "Played"),
                            ("READ_BY_ME", "Read by us"),
                            ("PLAYED_BY_ME", "Played by us"),
                            ("UNKNOWN", "Unknown"),
                        ],
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                (
                    "raw_status",
                    models.CharField(blank=True, max_length=128, verbose_name="status as sent"),
                ),
                (
                    "momment",
                    models.CharField(blank=True, max_length=128, verbose_name="momment as sent"),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="event time")),
                (
                    "time_is_arrival",
                    models.BooleanField(
                        default=False,
                        help_text="Original time unusable; arrival time shown instead.",
                        verbose_name="suspicious time",
                    ),
                ),
                ("received_at", models.DateTimeField(verbose_name="arrived")),
                ("phone", models.CharField(blank=True, max_length=128, verbose_name="address")),
                (
                    "participant",
                    models.CharField(blank=True, max_length=128, verbose_name="participant"),
                ),
                ("device", models.IntegerField(default=-1, verbose_name="device")),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("repeats", models.IntegerField(default=0, verbose_name="repeats")),
                (
                    "callback",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.callback",
                        verbose_name="first callback",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="whatsapp.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "status event",
                "verbose_name_plural": "status events",
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=50, verbose_name="name")),
            ],
            options={
                "verbose_name": "tag",
                "verbose_name_plural": "tags",
                "ordering": [django.db.models.functions.text.Lower("name")],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="tag_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="instance",
            name="tags",
            field=models.ManyToManyField(
                blank=True, related_name="instances", to="whatsapp.tag", verbose_name="tags"
            ),
        ),
        migrations.CreateModel(
            name="TouchedHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="whatsapp.instance",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UserLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="whatsapp.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "limit",
                "verbose_name_plural": "limits",
            },
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("may_read", True), ("may_label", True), _connector="OR"),
                name="api_key_may_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="exportpiece",
            constraint=models.UniqueConstraint(fields=("job", "number"), name="export_piece_once"),
        ),
        migrations.AddIndex(
            model_name="forward",
            index=models.Index(fields=["webhook", "state", "callback"], name="forward_line"),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(fields=("instance", "kind"), name="webhook_once"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["-resolved_at", "-id"], name="incident_resolved"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("instance__isnull", False), ("resolved_at", None)),
                fields=("kind", "instance"),
                name="incident_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("instance", None), ("resolved_at", None)),
                fields=("kind", "place"),
                name="incident_of_machine_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="hourlysummary",
            constraint=models.UniqueConstraint(
                fields=("hour", "instance", "is_group"), name="hourly_summary_once"
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("set_aside_at__isnull", False)),
                fields=["set_aside_at"],
                name="follow_up_set_aside",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailysummary",
            constraint=models.UniqueConstraint(
                fields=("day", "instance", "is_group"), name="daily_summary_once"
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                fields=["instance", "received_at"], name="whatsapp_ca_instanc_81c924_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                condition=models.Q(
                    ("outcome", "quarantined"), models.Q(("body", b""), _negated=True)
                ),
                fields=["instance", "size"],
                name="callback_quarantined",
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                condition=models.Q(("outcome", "quarantined")),
                fields=["id"],
                name="quarantine_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                condition=models.Q(("cause", ""), _negated=True),
                fields=["id"],
                name="callback_with_cause",
            ),
        ),
        migrations.AddIndex(
            model_name="batchrow",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["id"], name="batch_row_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="batchrow",
            constraint=models.UniqueConstraint(fields=("batch", "number"), name="batch_row_once"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["-at", "-id"], name="audit_newest"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["action", "-at"], name="audit_action"),
        ),
        migrations.AddConstraint(
            model_name="apikeylimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account", None), ("instance__isnull", False)),
                    models.Q(("account__isnull", False), ("instance", None)),
                    _connector="OR",
                ),
                name="key_limit_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikeylimit",
            constraint=models.UniqueConstraint(
                fields=("key", "account"), name="key_limit_account_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="apikeylimit",
            constraint=models.UniqueConstraint(
                fields=("key", "instance"), name="key_limit_instance_once"
            ),
        ),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(
                fields=["number"], name="alias_number_begins", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(
                messages.models.functions.LastDigits("number"), name="alias_number_ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(
                fields=("lid", "number", "instance"), name="alias_once"
            ),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(fields=["reference"], name="label_reference"),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(fields=["zapi_id"], name="label_message_id"),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(
                condition=models.Q(("zaap_id", ""), _negated=True),
                fields=["zaap_id"],
                name="label_zaap_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(fields=("instance", "zapi_id"), name="label_once"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["-first_heard_at", "-id"], name="message_newest"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["instance", "-first_heard_at", "-id"], name="message_newest_of_instance"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("zaap_id", ""), _negated=True),
                fields=["zaap_id"],
                name="message_zaap_id",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["phone", "-first_heard_at"],
                name="message_phone_begins",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("is_group", True)),
                fields=["-first_heard_at", "-id"],
                name="message_newest_groups",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["started_at", "instance"], name="message_sent"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("zapi_id", "instance"), name="message_once"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["channel", "id"],
                name="notification_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(
                fields=("channel", "incident", "transition"), name="notification_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="numbersearches",
            constraint=models.UniqueConstraint(fields=("who", "hour"), name="number_searches_once"),
        ),
        migrations.AddIndex(
            model_name="otheraddress",
            index=models.Index(fields=["phone"], name="other_address_phone"),
        ),
        migrations.AddConstraint(
            model_name="otheraddress",
            constraint=models.UniqueConstraint(
                fields=("message", "phone"), name="other_address_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("user", "name"), name="saved_view_once"),
        ),
        migrations.AddConstraint(
            model_name="statusevent",
            constraint=models.UniqueConstraint(
                fields=(
                    "message",
                    "source",
                    "raw_status",
                    "momment",
                    "phone",
                    "participant",
                    "device",
                    "reason",
                ),
                name="status_event_once",
            ),
        ),
        migrations.AddIndex(
            model_name="touchedhour",
            index=models.Index(fields=["instance", "hour"], name="touched_hour"),
        ),
        migrations.AddConstraint(
            model_name="userlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account", None), ("instance__isnull", False)),
                    models.Q(("account__isnull", False), ("instance", None)),
                    _connector="OR",
                ),
                name="limit_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="userlimit",
            constraint=models.UniqueConstraint(
                fields=("user", "account"), name="limit_once_by_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="userlimit",
            constraint=models.UniqueConstraint(
                fields=("user", "instance"), name="limit_once_by_instance"
            ),
        ),
        migrations.RunPython(create_cache_table, migrations.RunPython.noop),
        migrations.RunPython(protect_audit, migrations.RunPython.noop),
        migrations.RunPython(index_parts, migrations.RunPython.noop),
    ]
