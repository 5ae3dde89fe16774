"""People, rooms, messages and receipts, with the indexes that their queries need."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class User(AbstractBaseUser):
    phone = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=150)
    is_admin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "phone"

    @property
    def role(self):
        return "admin" if self.is_admin else "user"


class Room(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="rooms")
    status = models.CharField(max_length=16, default="open")
    created_at = models.DateTimeField()


class Message(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)
    sender = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    message = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["room", "id"])]


class Receipt(models.Model):
    """How far a person has read in a room."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    message_id = models.BigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="one_receipt")]
