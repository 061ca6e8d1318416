"""Checks of a deployment, from outside in: `manage.py doctor`, and a short list on *Health*."""

from .checks import Named, all_checks, run, run_local
from .findings import Level

__all__ = ["Level", "Named", "all_checks", "run", "run_local"]
