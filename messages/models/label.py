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
    """Text for comparisons that ignore case and accents."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(one for one in letters if not unicodedata.combining(one)).casefold()


class FoldedField(_TextField):
    """The folded label, set at every save.

    Computed in Python, because PostgreSQL and SQLite ignore case and accents differently.
    """

    def pre_save(self, model_instance: Any, add: bool) -> str:
        value = folded(model_instance.label)
        setattr(model_instance, self.attname, value)
        return value


class MaskedField(_TextField):
    """The folded label without phone numbers, for searches by people who see masked numbers."""

    def pre_save(self, model_instance: Any, add: bool) -> str:
        value = folded(addresses.mask_numbers(model_instance.label))
        setattr(model_instance, self.attname, value)
        return value


def _named(ids: Iterable[str]) -> Q:
    some = list(ids)
    # The same condition as in the partial index on zaap_id, so that the database uses it.
    return Q(zapi_id__any_of=some) | Q(~Q(zaap_id=""), zaap_id__any_of=some)


class LabelQuerySet(models.QuerySet["Label"]):
    def named(self, ids: Iterable[str]) -> Self:
        """Labels with one of these ids."""
        return self.filter(_named(ids))

    def of(self, messages: Iterable[Message]) -> Self:
        """Labels of these messages, by either id."""
        ids: defaultdict[int, set[str]] = defaultdict(set)
        for message in messages:
            ids[message.instance_id] |= message.ids
        theirs = [Q(_named(some), instance=instance) for instance, some in ids.items()]
        return self.filter(Q(*theirs, _connector=Q.OR)) if theirs else self.none()

    def with_a_message_in(self, messages: models.QuerySet[Message]) -> Self:
        """Labels of the messages of a query, by either id."""
        return self.filter(Q(*_message_exists(messages), _connector=Q.OR))

    def without_message(self) -> Self:
        return self.filter(*(~is_there for is_there in _message_exists(Message.objects.all())))

    def same_ids(self, ids: Iterable[str]) -> tuple[str, ...]:
        """These ids, and the other id of each label that has one of them."""
        known = tuple(ids)
        if not any(known):
            return known
        pairs = self.exclude(zaap_id="").named(known).values_list("zapi_id", "zaap_id")
        return tuple(dict.fromkeys((*known, *(one for pair in pairs for one in pair))))


def _message_exists(messages: models.QuerySet[Message]) -> list[Exists]:
    """One condition per pair of ids, because each id of a message has its own index."""
    here = messages.filter(instance=OuterRef("instance"))
    of_message = {"zapi_id": here, "zaap_id": here.exclude(zaap_id="")}
    return [
        Exists(rows.filter(**{column: OuterRef(name)}))
        for column, rows in of_message.items()
        for name in ("zapi_id", "zaap_id")
    ]


class Label(models.Model):
    """Text that the sender's system attaches to a message, because callbacks contain no text.

    It refers to its message by id, because it may arrive before the first callback. `zaap_id` also
    finds failures, which Z-API reports only under that id.
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
    # A database default, because during an update the previous version inserts labels without this
    # column.
    zaap_id = models.CharField(_("Z-API id"), max_length=128, blank=True, default="", db_default="")
    reference = models.CharField(_("reference"), max_length=128, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True)
    # For searches. On PostgreSQL the migrations add a trigram index.
    label_folded = FoldedField(blank=True, default="", editable=False)
    # For people who see masked numbers: in `label_folded` they could find hidden digits by
    # searching for them.
    label_masked = MaskedField(blank=True, default="", editable=False)
    updated_at = models.DateTimeField(_("changed"))
    # When it announced its message. Null if it announced none, or once a callback confirmed it.
    awaited_since = models.DateTimeField(_("announced"), null=True, editable=False)

    objects = LabelQuerySet.as_manager()

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints = [
            models.UniqueConstraint(fields=["instance", "zapi_id"], name="label_once"),
        ]
        indexes = [
            models.Index(fields=["reference"], name="label_reference"),
            # For both ids in any instance: PostgreSQL combines the two indexes.
            models.Index(fields=["zapi_id"], name="label_message_id"),
            models.Index(fields=["zaap_id"], name="label_zaap_id", condition=~models.Q(zaap_id="")),
            # Few labels: the worker clears the time of those whose message was reported.
            models.Index(
                fields=["-awaited_since", "-id"],
                name="label_awaited",
                condition=models.Q(awaited_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.reference

    @property
    def ids(self) -> set[str]:
        return {self.zapi_id, self.zaap_id} - {""}
