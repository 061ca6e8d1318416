from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from .administration.views import administration
from .api_keys.views import api_key_add, api_key_list, api_key_revoke
from .audit.views import audit_export, audit_list, audit_person
from .exports.views import export, export_file, export_progress, export_size, message_export
from .forwarding.views import forwarding, forwarding_change, forwarding_put_back
from .health.views import follow_ups_retry, health, spool_retry
from .incidents.channel_views import (
    channel_add,
    channel_detail,
    channel_list,
    channel_remove,
    channel_test,
)
from .incidents.threshold_views import instance_thresholds
from .incidents.views import (
    banner,
    incident_acknowledge,
    incident_list,
    incident_release,
    worker_list,
)
from .instances.bulk_views import (
    instance_batch,
    instance_batch_progress,
    instance_batch_start,
    instance_import,
)
from .instances.views import instance_add, instance_detail, instance_list, instance_steps
from .instances.webhook_actions import (
    instance_archive,
    instance_delete,
    instance_every,
    instance_push,
    instance_restore_others,
    instance_retire,
    instance_rotate,
    instance_token_policy,
    instance_unarchive,
    instance_verify,
    instance_webhook,
)
from .labels.views import label_upload
from .messages.new_messages import live
from .messages.recipient_views import recipient, recipient_reveal
from .messages.saved_views import view_delete, view_rename, view_save
from .messages.search_views import go, look_up, search
from .messages.unconfirmed_views import announced_message
from .messages.verdict_views import announced_queue, message_queue
from .messages.views import message_callback, message_callbacks, message_detail, message_list
from .overview.views import overview
from .people.invitations import invitation
from .people.views import (
    person_activity,
    person_detail,
    person_invite,
    person_link,
    person_list,
    person_two_factor_reset,
    session_end,
)
from .privacy.hold_views import hold_release, message_hold, recipient_hold
from .privacy.views import privacy, privacy_erase, privacy_export
from .quarantine.views import (
    quarantine_detail,
    quarantine_discard,
    quarantine_list,
    quarantine_reprocess,
)
from .retention.views import retention
from .shared.views import save_preferences

app_name = "dashboard"

urlpatterns = [
    path("", message_list, name="messages"),
    path("messages/exports/", message_export, name="message-export"),
    path("messages/exports/size/", export_size, name="export-size"),
    path("exports/<uuid:pk>/", export, name="export"),
    path("exports/<uuid:pk>/progress/", export_progress, name="export-progress"),
    path("exports/<uuid:pk>/file/", export_file, name="export-file"),
    path("search/", search, name="search"),
    path("go/", go, name="go"),
    path("look-up/", look_up, name="look-up"),
    path("live/<str:signed>/", live, name="live"),
    path("views/", view_save, name="view-save"),
    path("views/<int:pk>/rename/", view_rename, name="view-rename"),
    path("views/<int:pk>/delete/", view_delete, name="view-delete"),
    path("messages/announced/<int:pk>/", announced_message, name="announced"),
    path("messages/announced/<int:pk>/queue/", announced_queue, name="announced-queue"),
    path("messages/<int:pk>/", message_detail, name="message"),
    path("messages/<int:pk>/queue/", message_queue, name="message-queue"),
    path("overview/", overview, name="overview"),
    path("messages/<int:pk>/callbacks/", message_callbacks, name="message-callbacks"),
    path("messages/<int:pk>/callbacks/<uuid:callback>/", message_callback, name="message-callback"),
    path("messages/<int:pk>/hold/", message_hold, name="message-hold"),
    path("recipients/<str:encrypted>/", recipient, name="recipient"),
    path("recipients/<str:encrypted>/hold/", recipient_hold, name="recipient-hold"),
    path("recipients/<str:encrypted>/reveal/", recipient_reveal, name="recipient-reveal"),
    path("instances/", instance_list, name="instances"),
    path("instances/add/", instance_add, name="instance-add"),
    path("instances/<int:pk>/", instance_detail, name="instance"),
    path("instances/<int:pk>/push/", instance_push, name="instance-push"),
    path("instances/<int:pk>/verify/", instance_verify, name="instance-verify"),
    path("instances/<int:pk>/steps/", instance_steps, name="instance-steps"),
    path("instances/<int:pk>/webhooks/<str:kind>/", instance_webhook, name="instance-webhook"),
    path("instances/<int:pk>/every/", instance_every, name="instance-every"),
    path(
        "instances/<int:pk>/every/restore/",
        instance_restore_others,
        name="instance-restore-others",
    ),
    path("instances/<int:pk>/rotate/", instance_rotate, name="instance-rotate"),
    path("instances/<int:pk>/retire/", instance_retire, name="instance-retire"),
    path("instances/<int:pk>/archive/", instance_archive, name="instance-archive"),
    path("instances/<int:pk>/unarchive/", instance_unarchive, name="instance-unarchive"),
    path("instances/<int:pk>/delete/", instance_delete, name="instance-delete"),
    path(
        "instances/<int:pk>/token-policy/",
        instance_token_policy,
        name="instance-token-policy",
    ),
    path("instances/import/", instance_import, name="instance-import"),
    path("instances/batches/", instance_batch_start, name="instance-batch-start"),
    path("instances/batches/<int:pk>/", instance_batch, name="instance-batch"),
    path(
        "instances/batches/<int:pk>/progress/",
        instance_batch_progress,
        name="instance-batch-progress",
    ),
    path("instances/<int:pk>/forwarding/", forwarding, name="instance-forwarding"),
    path(
        "instances/<int:pk>/forwarding/<str:kind>/",
        forwarding_change,
        name="instance-forwarding-change",
    ),
    path(
        "instances/<int:pk>/forwarding/<str:kind>/put-back/",
        forwarding_put_back,
        name="instance-forwarding-put-back",
    ),
    path("health/", health, name="health"),
    path("health/spool/retry/", spool_retry, name="spool-retry"),
    path("health/follow-ups/retry/", follow_ups_retry, name="follow-ups-retry"),
    path("quarantine/", quarantine_list, name="quarantine"),
    path("quarantine/reprocess/", quarantine_reprocess, name="quarantine-reprocess"),
    path("quarantine/discard/", quarantine_discard, name="quarantine-discard"),
    path("quarantine/<uuid:pk>/", quarantine_detail, name="quarantined"),
    path("administration/", administration, name="administration"),
    path("people/", person_list, name="people"),
    path("people/invite/", person_invite, name="person-invite"),
    path("people/<int:pk>/", person_detail, name="person"),
    path("people/<int:pk>/activity/", person_activity, name="person-activity"),
    path(
        "people/<int:pk>/reset-two-factor/",
        person_two_factor_reset,
        name="person-two-factor-reset",
    ),
    path("people/<int:pk>/link/", person_link, name="person-link"),
    path("invitation/<uidb64>/<token>/", invitation, name="invitation"),
    path("sessions/<int:pk>/end/", session_end, name="session-end"),
    path("audit/", audit_list, name="audit"),
    path("audit/person/", audit_person, name="audit-person"),
    path("audit/export/", audit_export, name="audit-export"),
    path("instances/<int:pk>/thresholds/", instance_thresholds, name="instance-thresholds"),
    path("attention/", incident_list, name="incidents"),
    path("attention/banner/", banner, name="banner"),
    path("attention/<int:pk>/acknowledge/", incident_acknowledge, name="incident-acknowledge"),
    path("attention/<int:pk>/release/", incident_release, name="incident-release"),
    path("attention/workers/", worker_list, name="workers"),
    path("attention/channels/", channel_list, name="channels"),
    path("attention/channels/add/", channel_add, name="channel-add"),
    path("attention/channels/<int:pk>/", channel_detail, name="channel"),
    path("attention/channels/<int:pk>/test/", channel_test, name="channel-test"),
    path("attention/channels/<int:pk>/remove/", channel_remove, name="channel-remove"),
    path("privacy/", privacy, name="privacy"),
    path("privacy/export/", privacy_export, name="privacy-export"),
    path("privacy/erase/", privacy_erase, name="privacy-erase"),
    path("privacy/holds/<int:pk>/release/", hold_release, name="hold-release"),
    path("retention/", retention, name="retention"),
    path("api-keys/", api_key_list, name="api-keys"),
    path("api-keys/add/", api_key_add, name="api-key-add"),
    path("api-keys/revoke/", api_key_revoke, name="api-key-revoke"),
    path("labels/", label_upload, name="labels"),
    path("preferences/", save_preferences, name="preferences"),
    # Also for those who are not signed in yet: the sign-in page has the menu too.
    path("preferences/language/", login_not_required(set_language), name="set_language"),
]
