#!/usr/bin/env python
"""The command line of Statusboard: `python manage.py help`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import InterfaceError, OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusboard.settings")
    try:
        # Reads the settings, which may be wrong.
        from statusboard.environment import prepare

        prepare()
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does. Python would still try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ImproperlyConfigured as error:
        # Show only the message, because a traceback does not help an operator.
        sys.stderr.write(f"{error}\n")
        # `doctor` ends with 1 if it finds a problem, and with 2 if it cannot run.
        sys.exit(2 if sys.argv[1:2] == ["doctor"] else 1)
    except (OperationalError, InterfaceError) as error:
        sys.exit(f"The database is unavailable: {str(error).strip()}. Try again once it is back.")
