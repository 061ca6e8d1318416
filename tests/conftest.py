"""Load the shared fixtures, ordered by dependency.

tests/plugins/environment.py is loaded before them, and before the settings.
"""

pytest_plugins = [
    "tests.plugins.clock",
    "tests.plugins.isolation",
    "tests.plugins.live_server",
    "tests.plugins.processes",
    "tests.plugins.receiver",
    "tests.plugins.spool",
    "tests.plugins.webhook",
    "tests.plugins.zapi",
    "tests.plugins.pages",
    "tests.plugins.accounts",
    "tests.plugins.api",
    "tests.plugins.forwarding",
    "tests.plugins.incidents",
    "tests.plugins.notifications",
]
