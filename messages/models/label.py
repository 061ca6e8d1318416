import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from messages import phones

from .instance import Instance
from .message import Message

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


def folded(text: str) -> str:
    """The same for texts that differ by case or accents alone."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(one for one in letters if not unicodedata.combining(one)).casefold()


class FoldedField(_TextField):
    """The label, folded, whichever way it is written: no database does it as another."""

    def pre_save(self, model_instance: Any, add: bool) -> str:
        value = folded(model_instance.label)
        setattr(model_instance, self.attname, value)
        return value


class MaskedField(_TextField):
    """The label, folded, as people read it who may not see numbers: the part they can search."""

    def pre_save(self, model_instance: Any, add: bool) -> str:
        value = folded(phones.without_numbers(model_instance.label))
        setattr(model_instance, self.attname, value)
        return value


class LabelQuerySet(models.QuerySet["Label"]):
    def of(self, messages: Iterable[Message]) -> Self:
        """Those of these messages, under either of their ids."""
        ids: defaultdict[int, set[str]] = defaultdict(set)
        for message in messages:
            ids[message.instance_id] |= message.ids
        named = [Q(instance=instance, zapi_id__in=some) for instance, some in ids.items()]
        return self.filter(Q(*named, _connector=Q.OR)) if named else self.none()

    def with_a_message_in(self, messages: models.QuerySet[Message]) -> Self:
        """As `of`, where the messages are a query."""
        return self.filter(Q(*_are_there(messages), _connector=Q.OR))

    def without_message(self) -> Self:
        return self.filter(*(~is_there for is_there in _are_there(Message.objects.all())))


def _are_there(messages: models.QuerySet[Message]) -> tuple[Exists, Exists]:
    """By the one id, by the other: asked separately, because each has an index of its own."""
    here = messages.filter(instance=OuterRef("instance"))
    by_zapi_id = here.filter(zapi_id=OuterRef("zapi_id"))
    by_zaap_id = here.exclude(zaap_id="").filter(zaap_id=OuterRef("zapi_id"))
    return Exists(by_zapi_id), Exists(by_zaap_id)


class Label(models.Model):
    """What the sender's software calls a message: callbacks carry no text, so only it can tell.

    Tied to its message by the ids alone, because it may come before the first callback.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="labels",
        # The unique index starts with it.
        db_index=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    reference = models.CharField(_("reference"), max_length=128, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True)
    # What a search looks through; PostgreSQL has an index of its parts, made in the migrations.
    label_folded = FoldedField(blank=True, default="", editable=False)
    # Without it, what is hidden could be found out digit by digit.
    label_masked = MaskedField(blank=True, default="", editable=False)
    updated_at = models.DateTimeField(_("changed"))

    objects = LabelQuerySet.as_manager()

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints = [
            models.UniqueConstraint(fields=["instance", "zapi_id"], name="label_once"),
        ]
        indexes = [models.Index(fields=["reference"], name="label_reference")]

    def __str__(self) -> str:
        return self.label or self.reference
