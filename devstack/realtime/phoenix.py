"""The Phoenix channel protocol as Realtime speaks it: JSON objects (1.0.0), or arrays and bytes (2.0.0)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

USER_BROADCAST_PUSH = 3  # client to server
USER_BROADCAST = 4  # server to client
BINARY, JSON = 0, 1


class BadFrame(Exception):
    """Not a message of the protocol. The real server's socket process dies of it: the line closes."""


@dataclass(frozen=True)
class UserBroadcast:
    """A client's broadcast whose payload the server passes on without looking into it."""

    event: str
    payload: bytes
    is_json: bool
    metadata: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any] | None:
        """For receivers without binary frames; None if the payload is bytes: they cannot be told."""
        if not self.is_json:
            return None
        message = {"type": "broadcast", "event": self.event, "payload": json.loads(self.payload)}
        return message if self.metadata is None else {**message, "meta": self.metadata}


@dataclass(frozen=True)
class Frame:
    """One message, either way."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None


class Serializer(Protocol):
    """One version of the protocol."""

    def decode(self, message: str | bytes) -> Frame: ...

    def encode(self, frame: Frame) -> str | bytes | None:
        """None when this version has no form for the frame."""
        ...


class ObjectSerializer:
    """Version 1.0.0. Frames from the server carry no join_ref, and `ref` even when it is null."""

    def decode(self, message: str | bytes) -> Frame:
        try:
            fields = json.loads(message)
            return Frame(fields["topic"], fields["event"], fields["payload"], fields.get("ref"), fields.get("join_ref"))
        except (ValueError, TypeError, KeyError) as error:
            raise BadFrame(str(error)) from error

    def encode(self, frame: Frame) -> str | bytes | None:
        payload = frame.payload
        if isinstance(payload, UserBroadcast):
            payload = payload.as_json()
            if payload is None:
                return None
        return json.dumps({"topic": frame.topic, "event": frame.event, "payload": payload, "ref": frame.ref})


class ArraySerializer:
    """Version 2.0.0: `[join_ref, ref, topic, event, payload]`, and binary frames for broadcasts."""

    def decode(self, message: str | bytes) -> Frame:
        if isinstance(message, bytes):
            return decode_user_broadcast_push(message)
        try:
            join_ref, ref, topic, event, payload = json.loads(message)[:5]
        except (ValueError, TypeError) as error:
            raise BadFrame(str(error)) from error
        return Frame(topic, event, payload, ref, join_ref)

    def encode(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame.payload, UserBroadcast):
            return encode_user_broadcast(frame.topic, frame.payload)
        return json.dumps([frame.join_ref, frame.ref, frame.topic, frame.event, frame.payload])


def decode_user_broadcast_push(message: bytes) -> Frame:
    """A byte each for kind, five lengths and encoding; join_ref, ref, topic, event, metadata; payload."""
    if len(message) < 7 or message[0] != USER_BROADCAST_PUSH:
        raise BadFrame("unknown kind of binary frame")
    at, fields = 7, []
    for length in message[1:6]:
        fields.append(message[at : at + length].decode())
        at += length
    join_ref, ref, topic, event, _metadata = fields
    payload = UserBroadcast(event, message[at:], is_json=message[6] == JSON)
    return Frame(topic, "broadcast", payload, ref or None, join_ref or None)


def encode_user_broadcast(topic: str, broadcast: UserBroadcast) -> bytes:
    """A byte each for kind, three lengths and encoding; topic, event, metadata; payload."""
    metadata = json.dumps(broadcast.metadata).encode() if broadcast.metadata else b""
    fields = [topic.encode(), broadcast.event.encode(), metadata]
    encoding = JSON if broadcast.is_json else BINARY
    header = bytes([USER_BROADCAST, *(len(field) for field in fields), encoding])
    return header + b"".join(fields) + broadcast.payload


SERIALIZERS: dict[str, Serializer] = {"1.0.0": ObjectSerializer(), "2.0.0": ArraySerializer()}
