"""A self-hosted dashboard for WhatsApp messages sent through Z-API."""

__version__ = "1.0.0"
