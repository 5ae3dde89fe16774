"""A connection to a room. A message is saved, then sent to all in the room, encoded once."""

import json
from collections import Counter, defaultdict
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from .models import Message, Receipt, Room, User

LONGEST_MESSAGE = 4_000

# Connections of each person in each room. One process is measured, so its memory is the truth.
present = defaultdict(Counter)
people = {}


def encode(frame):
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


class RoomConsumer(AsyncWebsocketConsumer):
    user = None

    async def dispatch(self, message):
        # As Channels has it, but for the visit to the database's thread before every event, its own broadcasts too: the calls
        # that use the database look for stale connections themselves. Two fifths of the processor time of a message were spent on it.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self):
        self.room_id = self.scope["url_route"]["kwargs"]["room_id"]
        token = parse_qs(self.scope["query_string"].decode()).get("token", [""])[0]
        try:
            user_id = AccessToken(token)["user_id"]
        except TokenError:
            return await self.refuse(4401)
        code, user = await self.find(user_id)
        if code:
            return await self.refuse(code)
        self.user = user
        self.sender = {"id": user.id, "name": user.name, "role": user.role}
        self.group = f"room_{self.room_id}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.arrive()

    async def refuse(self, code):
        await self.accept()
        await self.close(code)

    @database_sync_to_async
    def find(self, user_id):
        user = User.objects.only("id", "name", "is_admin").filter(pk=user_id, is_active=True).first()
        if user is None:
            return 4401, None
        owner = Room.objects.filter(pk=self.room_id).values_list("user_id", flat=True).first()
        if owner is None and user.is_admin:
            return 4404, None
        if owner != user.id and not user.is_admin:
            return 4403, None
        return 0, user

    async def arrive(self):
        here = present[self.room_id]
        for user_id in here:
            if user_id != self.user.id:
                await self.send(text_data=self.status(people[user_id], "online"))
        here[self.user.id] += 1
        people[self.user.id] = self.user
        if here[self.user.id] == 1:
            await self.tell(self.status(self.user, "online"))

    async def disconnect(self, code):
        if self.user is None:
            return
        await self.channel_layer.group_discard(self.group, self.channel_name)
        here = present[self.room_id]
        here[self.user.id] -= 1
        if here[self.user.id] == 0:
            del here[self.user.id]
            await self.tell(self.status(self.user, "offline"))
        if not here:
            present.pop(self.room_id, None)

    def status(self, user, status):
        last_seen = None if status == "online" else timezone.now().isoformat()
        frame = {"type": "user_status", "room_id": self.room_id, "user_id": user.id, "role": user.role}
        return encode(frame | {"status": status, "last_seen": last_seen})

    async def receive(self, text_data=None, bytes_data=None):
        try:
            frame = json.loads(text_data)
            kind = frame["type"]
            if kind == "chat_message":
                await self.chat_message(frame["message"])
            elif kind == "typing":
                await self.typing(bool(frame["is_typing"]))
            elif kind == "read_receipt":
                await self.read_receipt(int(frame["message_id"]))
            else:
                await self.fail("bad_frame")
        except (KeyError, TypeError, ValueError):
            await self.fail("bad_frame")

    async def fail(self, code):
        await self.send(text_data=encode({"type": "error", "code": code, "message": code}))

    async def chat_message(self, text):
        if not isinstance(text, str) or not text.strip():
            return await self.fail("empty")
        if len(text) > LONGEST_MESSAGE:
            return await self.fail("too_long")
        message = await self.save(text)
        frame = {
            "type": "chat_message",
            "id": message.id,
            "room_id": self.room_id,
            "sender": self.sender,
            "message": text,
            "attachments": [],
            "created_at": message.created_at.isoformat(),
            "read": False,
        }
        await self.tell(encode(frame))

    @database_sync_to_async
    def save(self, text):
        # One statement, one commit: when a room was last active is read from its newest message.
        now = timezone.now()
        return Message.objects.create(room_id=self.room_id, sender_id=self.user.id, message=text, created_at=now)

    async def typing(self, is_typing):
        frame = {"type": "typing", "room_id": self.room_id, "user_id": self.user.id, "name": self.user.name}
        await self.tell(encode(frame | {"is_typing": is_typing}), but=self.channel_name)

    async def read_receipt(self, message_id):
        now = timezone.now()
        if not await self.mark_read(message_id, now):
            return await self.fail("not_found")
        frame = {"type": "read_receipt", "room_id": self.room_id, "user_id": self.user.id, "role": self.user.role}
        await self.tell(encode(frame | {"message_id": message_id, "read_at": now.isoformat()}))

    @database_sync_to_async
    def mark_read(self, message_id, now):
        if not Message.objects.filter(pk=message_id, room_id=self.room_id).exists():
            return False
        mine = {"room_id": self.room_id, "user_id": self.user.id}
        receipt, is_new = Receipt.objects.get_or_create(**mine, defaults={"message_id": message_id, "read_at": now})
        if not is_new:
            Receipt.objects.filter(pk=receipt.pk, message_id__lt=message_id).update(message_id=message_id, read_at=now)
        return True

    async def tell(self, text, but=None):
        await self.channel_layer.group_send(self.group, {"type": "relay", "text": text, "but": but})

    async def relay(self, event):
        if event["but"] != self.channel_name:
            await self.send(text_data=event["text"])
