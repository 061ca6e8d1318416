"""Django's PostgreSQL backend, on connections that keep to a deadline."""
