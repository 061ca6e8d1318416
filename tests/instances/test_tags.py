"""Tags, made by several people at once."""

from messages.instances.tags import add_tags
from messages.models import Tag


def test_tag_created_at_the_same_time_is_reused(instance, monkeypatch):
    def somebody_else_is_quicker(*_, **__):
        monkeypatch.undo()
        Tag.objects.create(name="acme")
        raise Tag.DoesNotExist

    monkeypatch.setattr("django.db.models.query.QuerySet.get", somebody_else_is_quicker)
    add_tags(instance, ["Acme"])
    assert [str(tag) for tag in instance.tags.all()] == ["acme"]
