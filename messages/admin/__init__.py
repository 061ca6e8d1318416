"""Django admin, mostly read-only: data from callbacks is evidence and cannot be changed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

# Importing these registers their classes.
from . import evidence, instances, people

__all__ = ["evidence", "instances", "people"]

admin.site.site_title = admin.site.site_header = "Statusboard"
# Beside it, a list would be cut off on a laptop.
admin.site.enable_nav_sidebar = False
admin.site.index_title = _("Administration")
