from django.urls import path

from . import docs, labels, views

app_name = "api"
_LABEL = "api/v1/messages/<str:zapi_instance_id>/<str:message_id>/label"

urlpatterns = [
    path("api/v1/messages/", views.MessageList.as_view(), name="messages"),
    path("api/v1/messages/<int:pk>/", views.MessageDetail.as_view(), name="message"),
    path(_LABEL, labels.LabelView.as_view(), name="label"),
    path(f"{_LABEL}/", labels.LabelView.as_view(schema=None), name="label-with-slash"),
    path("api/v1/labels/", labels.LabelList.as_view(), name="labels"),
    path("api/v1/events/", views.EventList.as_view(), name="events"),
    path("api/v1/recipients/", views.RecipientList.as_view(), name="recipients"),
    path("api/v1/instances/", views.InstanceList.as_view(), name="instances"),
    path("api/v1/instances/<int:pk>/", views.InstanceDetail.as_view(), name="instance"),
    path("api/v1/summaries/", views.SummaryList.as_view(), name="summaries"),
    path("api/v1/incidents/", views.IncidentList.as_view(), name="incidents"),
    path("api/v1/schema/", docs.SchemaView.as_view(), name="schema"),
    path("api/v1/docs/", docs.docs, name="docs"),
]
