"""Endpoints for external monitoring: liveness, readiness and Prometheus metrics."""

import os
from pathlib import Path


def delete_old_metric_files() -> None:
    """Delete the metric files of an earlier run.

    Otherwise their values would be added to the new ones.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob("*.db") if folder else ():
        file.unlink(missing_ok=True)
