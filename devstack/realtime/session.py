"""What clients do on a channel: join it, broadcast, track presence, hand in a new token, leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from devstack.realtime.bindings import binding_id
from devstack.realtime.channel import TOPIC_PREFIX, Channel, Policies, Settings
from devstack.realtime.node import Node
from devstack.realtime.phoenix import Frame
from devstack.realtime.tokens import Refused, confirm

UNAVAILABLE = "Realtime was unable to connect to the project database"


async def join(node: Node, frame: Frame, handshake_token: str, push: Callable[[Frame], None]) -> Channel:
    """A new channel, its `ok` sent. Raises Refused."""
    parameters = frame.payload if isinstance(frame.payload, dict) else {}
    name = frame.topic.removeprefix(TOPIC_PREFIX)
    if not frame.topic.startswith(TOPIC_PREFIX) or not name:
        raise Refused("TopicNameRequired", "You must provide a topic name")
    settings = Settings.of(parameters.get("config"))
    caller = confirm(node.context.keys, join_token(parameters, handshake_token))
    try:
        policies = await node.authorizer.readable(caller, name) if settings.private else Policies()
        channel = Channel(frame.topic, frame.ref, settings, caller, policies, push, settings.presence_enabled)
        replayed = await node.broadcasts.recent(channel)
    except psycopg.Error as error:
        raise Refused("UnableToConnectToProject", UNAVAILABLE) from error
    channel.reply(frame.ref, response={"postgres_changes": bindings_with_ids(settings)})
    node.open(channel)
    for message in replayed:
        channel.send("broadcast", message)
    return channel


def join_token(parameters: dict[str, Any], handshake_token: str) -> str:
    """Copied: an `sb_...` key is no JWT; the one the gateway put into the handshake stands for it."""
    token = parameters.get("access_token") or parameters.get("user_token")
    return token if isinstance(token, str) and not token.startswith("sb_") else handshake_token


def bindings_with_ids(settings: Settings) -> list[dict[str, Any]]:
    """The client's own parameters come back, each with the id that events will name."""
    return [{**parameters, "id": binding_id(parameters)} for parameters in settings.postgres_changes]


async def handle(node: Node, channel: Channel, frame: Frame) -> None:
    """One message of a joined channel. Unknown events are ignored, as the real service does."""
    match frame.event:
        case "broadcast":
            await broadcast(node, channel, frame)
        case "presence":
            await presence(node, channel, frame)
        case "access_token":
            await renew_token(node, channel, frame.payload)


async def broadcast(node: Node, channel: Channel, frame: Frame) -> None:
    """Copied: on a private channel that may not be written to the message vanishes, without a reply."""
    if channel.settings.private:
        if channel.policies.write_broadcast is None:
            allowed = await node.authorizer.writable(channel.caller, channel.name, "broadcast")
            channel.policies.write_broadcast = allowed
        if not channel.policies.write_broadcast:
            return
    sender = None if channel.settings.receive_own else channel
    node.broadcasts.send(channel.key, frame.payload, sender)
    if channel.settings.acknowledge:
        channel.reply(frame.ref)


async def presence(node: Node, channel: Channel, frame: Frame) -> None:
    payload = frame.payload if isinstance(frame.payload, dict) else {}
    match str(payload.get("event", "")).lower():
        case "track":
            await track(node, channel, frame.ref, payload.get("payload", {}))
        case "untrack":
            node.presence.untrack(channel)
            channel.reply(frame.ref)
        case _:
            channel.reply(frame.ref, "error")


async def track(node: Node, channel: Channel, ref: str | None, payload: Any) -> None:
    """Tracking enables presence on a channel that joined without it, and brings it the state it missed."""
    if not isinstance(payload, dict):
        channel.reply(ref, "error", {"reason": "Presence track payload must be a map"})
        return
    if channel.settings.private and channel.policies.write_presence is None:
        allowed = await node.authorizer.writable(channel.caller, channel.name, "presence")
        channel.policies.write_presence = allowed
    if channel.settings.private and not channel.policies.write_presence:
        channel.reply(ref, "error")
        return
    node.presence.track(channel, payload)
    channel.reply(ref)
    if not channel.presence_enabled:
        channel.presence_enabled = True
        node.sync_presence(channel)


async def renew_token(node: Node, channel: Channel, payload: Any) -> None:
    """Copied: `sb_...` keys, the same token and null are ignored; one that may not read closes."""
    token = payload.get("access_token") if isinstance(payload, dict) else None
    if not isinstance(token, str) or token.startswith("sb_") or token == channel.caller.token:
        return
    try:
        caller = confirm(node.context.keys, token)
        policies = await node.authorizer.readable(caller, channel.name) if channel.settings.private else Policies()
    except Refused as refused:
        node.shut_down(channel, str(refused))
        return
    except psycopg.Error:
        node.shut_down(channel, UNAVAILABLE)
        return
    channel.caller, channel.policies = caller, policies
    node.watch_expiry(channel)
    node.changes.renew(channel)
