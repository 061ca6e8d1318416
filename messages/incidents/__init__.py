"""What goes wrong, noticed before a customer tells: looked for, opened, resolved, acknowledged."""
