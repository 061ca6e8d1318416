from typing import Any

from django.core.management.base import BaseCommand

from messages.identities import link_messages
from messages.models import Alias, KnownAddress, Message

BATCH = 1000


class Command(BaseCommand):
    help = (
        "Links numbers and LIDs of stored messages and indexes parts of numbers, as the worker "
        "does for new messages. You can stop it at any time and run it again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        KnownAddress.objects.remember_all()
        reached, done = 0, 0
        individual = Message.objects.filter(several=True, is_group=False).order_by("pk")
        while batch := list(individual.filter(pk__gt=reached)[:BATCH]):
            link_messages(batch)
            reached, done = batch[-1].pk, done + len(batch)
            self.stderr.write(f"{done} …")
        self.stdout.write(f"{done} messages checked, {Alias.objects.count()} links known.")
