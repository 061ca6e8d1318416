"""Django's serializer of JSON lines, with every time to the microsecond.

Two steps of a message may be less than a millisecond apart.
"""

from datetime import datetime
from typing import Any

from django.core.serializers import jsonl
from django.db.models import Field, Model

Deserializer = jsonl.Deserializer


class Serializer(jsonl.Serializer):
    def _value_from_field(self, obj: Model, field: "Field[Any, Any]") -> Any:
        value = super()._value_from_field(obj, field)  # type: ignore[misc]
        return value.isoformat() if isinstance(value, datetime) else value
