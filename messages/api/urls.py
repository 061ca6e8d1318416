from typing import Final

from django.urls import URLPattern, path
from rest_framework.views import APIView

from . import label_views, views

app_name = "api"
_LABEL: Final = "messages/<str:zapi_instance_id>/<str:message_id>/label"


def _both(route: str, view: type[APIView], name: str) -> list[URLPattern]:
    """With a final slash, as in the schema, and without.

    Django would redirect to the slash, and clients turn a redirected POST into a GET.
    """
    without = path(f"api/v1/{route}", view.as_view(schema=None), name=f"{name}-without-slash")
    return [path(f"api/v1/{route}/", view.as_view(), name=name), without]


urlpatterns = [
    *_both("messages", views.MessageList, "messages"),
    *_both("messages/<int:pk>", views.MessageDetail, "message"),
    path(f"api/v1/{_LABEL}", label_views.LabelView.as_view(), name="label"),
    path(f"api/v1/{_LABEL}/", label_views.LabelView.as_view(schema=None), name="label-with-slash"),
    *_both("labels", label_views.LabelList, "labels"),
    *_both("events", views.EventList, "events"),
    *_both("recipients", views.RecipientList, "recipients"),
    *_both("instances", views.InstanceList, "instances"),
    *_both("instances/<int:pk>", views.InstanceDetail, "instance"),
    *_both("summaries", views.SummaryList, "summaries"),
    *_both("incidents", views.IncidentList, "incidents"),
    *_both("schema", views.SchemaView, "schema"),
    path("api/v1/docs/", views.docs, name="docs"),
]
