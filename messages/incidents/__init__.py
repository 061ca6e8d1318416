"""Detects problems (incidents), opens and resolves them, and describes them to people."""
