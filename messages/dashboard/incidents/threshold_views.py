from typing import ClassVar

from django import forms
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from messages.accounts.audit import audit
from messages.accounts.scope import visible_instances
from messages.models import Action, Instance


class ThresholdsForm(forms.ModelForm):  # type: ignore[type-arg]  # none at run time
    class Meta:
        model = Instance
        fields: ClassVar = ["stuck_after", "unconfirmed_after", "silence_factor", "silence_floor"]
        fields += ["failing_percent"]
        # Set the label here: a new verbose name of the column would need a migration.
        labels: ClassVar = {
            "silence_factor": gettext_lazy("Alert after … times the usual gap between callbacks")
        }


@permission_required("whatsapp.change_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_thresholds(request: HttpRequest, pk: int) -> HttpResponse:
    """Alert thresholds of an instance."""
    instance = get_object_or_404(visible_instances(request.user), pk=pk, archived_at=None)
    form = ThresholdsForm(request.POST or None, instance=instance)
    if form.is_valid():
        instance.save(update_fields=form.changed_data)
        details = {"changed": form.changed_data}
        audit(request, Action.INSTANCE_CHANGED, about=instance, details=details)
        flash.success(request, _("Saved."))
        return redirect("dashboard:instance", pk)
    context = {"form": form, "instance": instance}
    return render(request, "dashboard/incidents/thresholds.html", context)
