"""Checks of a deployment: `manage.py doctor`, and a short list on *Health*."""

from .checks import Named, all_checks, run, run_local
from .findings import Level, worst_level

__all__ = ["Level", "Named", "all_checks", "run", "run_local", "worst_level"]
