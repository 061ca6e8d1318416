import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from messages.domain import addresses

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
        value = folded(addresses.without_numbers(model_instance.label))
        setattr(model_instance, self.attname, value)
        return value


def _named(ids: Iterable[str]) -> Q:
    some = list(ids)
    # As the index over zaap_id has it.
    return Q(zapi_id__any_of=some) | Q(~Q(zaap_id=""), zaap_id__any_of=some)


class LabelQuerySet(models.QuerySet["Label"]):
    def named(self, ids: Iterable[str]) -> Self:
        """Those that know their message by one of these ids."""
        return self.filter(_named(ids))

    def of(self, messages: Iterable[Message]) -> Self:
        """Those of these messages, by any id that both have."""
        ids: defaultdict[int, set[str]] = defaultdict(set)
        for message in messages:
            ids[message.instance_id] |= message.ids
        theirs = [Q(_named(some), instance=instance) for instance, some in ids.items()]
        return self.filter(Q(*theirs, _connector=Q.OR)) if theirs else self.none()

    def with_a_message_in(self, messages: models.QuerySet[Message]) -> Self:
        """As `of`, where the messages are a query."""
        return self.filter(Q(*_are_there(messages), _connector=Q.OR))

    def without_message(self) -> Self:
        return self.filter(*(~is_there for is_there in _are_there(Message.objects.all())))

    def same_ids(self, ids: Iterable[str]) -> tuple[str, ...]:
        """These, and the other id where a label names one of them and another."""
        known = tuple(ids)
        if not any(known):
            return known
        pairs = self.exclude(zaap_id="").named(known).values_list("zapi_id", "zaap_id")
        return tuple(dict.fromkeys((*known, *(one for pair in pairs for one in pair))))


def _are_there(messages: models.QuerySet[Message]) -> list[Exists]:
    """By each id of both: asked separately, because each of a message's has an index of its own."""
    here = messages.filter(instance=OuterRef("instance"))
    of_message = {"zapi_id": here, "zaap_id": here.exclude(zaap_id="")}
    return [
        Exists(rows.filter(**{column: OuterRef(name)}))
        for column, rows in of_message.items()
        for name in ("zapi_id", "zaap_id")
    ]


class Label(models.Model):
    """What the sender's software calls a message: callbacks carry no text, so only it can tell.

    Tied to its message by the ids alone, because it may come before the first callback. With
    `zaap_id` also where Z-API reports the message under that id only, as it does of failures.
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
    # With a default in the database: during an update the version before still writes labels.
    zaap_id = models.CharField(_("Z-API id"), max_length=128, blank=True, default="", db_default="")
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
        indexes = [
            models.Index(fields=["reference"], name="label_reference"),
            # Both ids whatever the instance: PostgreSQL adds up what two indexes find.
            models.Index(fields=["zapi_id"], name="label_message_id"),
            models.Index(fields=["zaap_id"], name="label_zaap_id", condition=~models.Q(zaap_id="")),
        ]

    def __str__(self) -> str:
        return self.label or self.reference

    @property
    def ids(self) -> set[str]:
        return {self.zapi_id, self.zaap_id} - {""}
