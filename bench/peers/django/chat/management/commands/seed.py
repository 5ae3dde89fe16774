"""Puts people, rooms and messages into the database, from the lines that `frontdesk import` reads."""

import json

from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.dateparse import parse_datetime

from chat.models import Message, Receipt, Room, User

BATCH = 5_000


def user(line):
    return User(id=line["id"], phone=line["phone"], name=line["name"], is_admin=line["role"] == "admin", password="!")


def room(line):
    at = parse_datetime(line["created_at"])
    return Room(id=line["id"], user_id=line["user_id"], status=line["status"], created_at=at)


def message(line):
    at = parse_datetime(line["created_at"])
    return Message(room_id=line["room_id"], sender_id=line["sender_id"], message=line["message"], created_at=at)


def receipt(line):
    # Messages were numbered as they came, which is how the lines number them, too.
    at = parse_datetime(line["read_at"])
    return Receipt(room_id=line["room_id"], user_id=line["user_id"], message_id=line["read_message_id"], read_at=at)


KINDS = {"user": (User, user), "room": (Room, room), "message": (Message, message), "receipt": (Receipt, receipt)}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("file")

    def handle(self, *args, **options):
        kind, rows = None, []
        with open(options["file"], encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                if rows and (line["type"] != kind or len(rows) == BATCH):
                    KINDS[kind][0].objects.bulk_create(rows)
                    rows = []
                kind = line["type"]
                rows.append(KINDS[kind][1](line))
        if rows:
            KINDS[kind][0].objects.bulk_create(rows)
        with connection.cursor() as cursor:
            cursor.execute("analyze")
