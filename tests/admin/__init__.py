"""Tests of Django admin."""

from django.contrib import admin

# As the pages do, for the tests that are made from the list of its classes.
admin.autodiscover()
