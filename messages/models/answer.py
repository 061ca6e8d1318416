from collections import defaultdict
from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messages.domain.answers import AnswerKind

from .instance import Instance
from .message import Message


class AnswerQuerySet(models.QuerySet["Answer"]):
    def to(self, messages: Iterable[Message]) -> Self:
        """The answers to these messages."""
        ids: defaultdict[int, list[str]] = defaultdict(list)
        for message in messages:
            ids[message.instance_id].append(message.zapi_id)
        theirs = [Q(zapi_id__any_of=some, instance=pk) for pk, some in ids.items()]
        return self.filter(Q(*theirs, _connector=Q.OR)) if theirs else self.none()


class Answer(models.Model):
    """An answer to one of our messages: a reply, reaction, vote, or press of a button.

    It refers to its message by Z-API's id, not by a foreign key. It may arrive before the message's
    first callback, or the message may not be ours.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    # A hash of the inbound message's id, which recognizes its repeats.
    digest = models.CharField(max_length=16)
    kind = models.CharField(_("kind"), max_length=16, choices=AnswerKind.choices)
    # As domain.addresses.person_key() writes it, '' if Z-API does not name the person.
    author = models.CharField(_("from"), max_length=128, blank=True)
    at = models.DateTimeField(_("time"))

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["zapi_id", "instance", "digest"], name="answer_once"),
        ]
        # For retention.
        indexes = [models.Index(fields=["at"], name="answer_at")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class Writing(models.Model):
    """When a contact wrote to us: the first and last time within ten minutes.

    There is a row for each address of the person, so that messages find it by their recipient.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    address = models.CharField(_("address"), max_length=128)
    period = models.DateTimeField(_("beginning of the ten minutes"))
    first_at = models.DateTimeField(_("first time"))
    last_at = models.DateTimeField(_("last time"))

    class Meta:
        verbose_name = _("time of writing")
        verbose_name_plural = _("times of writing")
        constraints = [
            models.UniqueConstraint(fields=["address", "instance", "period"], name="writing_once"),
        ]
        indexes = [models.Index(fields=["period"], name="writing_period")]

    def __str__(self) -> str:
        return f"{self.address} {self.period:%Y-%m-%d %H:%M}"
