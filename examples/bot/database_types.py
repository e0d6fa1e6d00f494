from __future__ import annotations

import datetime
import uuid
from typing import (
    Annotated,
    Any,
    List,
    Literal,
    Optional,
    TypedDict,
)
from typing_extensions import NotRequired, TypeAlias

from pydantic import BaseModel, Field, JsonValue

AuthAalLevel: TypeAlias = Literal["aal1", "aal2", "aal3"]

RealtimeEqualityOp: TypeAlias = Literal["eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct"]

StorageBuckettype: TypeAlias = Literal["STANDARD", "ANALYTICS", "VECTOR"]

class PublicCannedReplies(BaseModel):
    body: str = Field(alias="body")
    created_at: datetime.datetime = Field(alias="created_at")
    id: uuid.UUID = Field(alias="id")
    shortcut: str = Field(alias="shortcut")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicCannedRepliesInsert(TypedDict):
    body: Annotated[str, Field(alias="body")]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    shortcut: Annotated[str, Field(alias="shortcut")]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicCannedRepliesUpdate(TypedDict):
    body: NotRequired[Annotated[str, Field(alias="body")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    shortcut: NotRequired[Annotated[str, Field(alias="shortcut")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicContactNotes(BaseModel):
    body: str = Field(alias="body")
    contact_id: uuid.UUID = Field(alias="contact_id")
    created_at: datetime.datetime = Field(alias="created_at")
    created_by: Optional[uuid.UUID] = Field(alias="created_by")
    id: uuid.UUID = Field(alias="id")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicContactNotesInsert(TypedDict):
    body: Annotated[str, Field(alias="body")]
    contact_id: Annotated[uuid.UUID, Field(alias="contact_id")]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    created_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="created_by")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicContactNotesUpdate(TypedDict):
    body: NotRequired[Annotated[str, Field(alias="body")]]
    contact_id: NotRequired[Annotated[uuid.UUID, Field(alias="contact_id")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    created_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="created_by")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicContacts(BaseModel):
    attributes: JsonValue = Field(alias="attributes")
    bsuid: Optional[str] = Field(alias="bsuid")
    created_at: datetime.datetime = Field(alias="created_at")
    id: uuid.UUID = Field(alias="id")
    marketing_opted_out_at: Optional[datetime.datetime] = Field(alias="marketing_opted_out_at")
    marketing_preference_at: Optional[datetime.datetime] = Field(alias="marketing_preference_at")
    name: Optional[str] = Field(alias="name")
    phone: Optional[str] = Field(alias="phone")
    phone_key: Optional[str] = Field(alias="phone_key")
    profile_name: Optional[str] = Field(alias="profile_name")
    profile_name_at: Optional[datetime.datetime] = Field(alias="profile_name_at")
    synced_name: Optional[str] = Field(alias="synced_name")
    synced_name_at: Optional[datetime.datetime] = Field(alias="synced_name_at")
    tags: List[str] = Field(alias="tags")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicContactsInsert(TypedDict):
    attributes: NotRequired[Annotated[JsonValue, Field(alias="attributes")]]
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    marketing_opted_out_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="marketing_opted_out_at")]]
    marketing_preference_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="marketing_preference_at")]]
    name: NotRequired[Annotated[Optional[str], Field(alias="name")]]
    phone: NotRequired[Annotated[Optional[str], Field(alias="phone")]]
    phone_key: NotRequired[Annotated[Optional[str], Field(alias="phone_key")]]
    profile_name: NotRequired[Annotated[Optional[str], Field(alias="profile_name")]]
    profile_name_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="profile_name_at")]]
    synced_name: NotRequired[Annotated[Optional[str], Field(alias="synced_name")]]
    synced_name_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="synced_name_at")]]
    tags: NotRequired[Annotated[List[str], Field(alias="tags")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicContactsUpdate(TypedDict):
    attributes: NotRequired[Annotated[JsonValue, Field(alias="attributes")]]
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    marketing_opted_out_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="marketing_opted_out_at")]]
    marketing_preference_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="marketing_preference_at")]]
    name: NotRequired[Annotated[Optional[str], Field(alias="name")]]
    phone: NotRequired[Annotated[Optional[str], Field(alias="phone")]]
    phone_key: NotRequired[Annotated[Optional[str], Field(alias="phone_key")]]
    profile_name: NotRequired[Annotated[Optional[str], Field(alias="profile_name")]]
    profile_name_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="profile_name_at")]]
    synced_name: NotRequired[Annotated[Optional[str], Field(alias="synced_name")]]
    synced_name_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="synced_name_at")]]
    tags: NotRequired[Annotated[List[str], Field(alias="tags")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicConversations(BaseModel):
    assigned_to: Optional[uuid.UUID] = Field(alias="assigned_to")
    bsuid: Optional[str] = Field(alias="bsuid")
    connection_id: uuid.UUID = Field(alias="connection_id")
    contact_id: Optional[uuid.UUID] = Field(alias="contact_id")
    created_at: datetime.datetime = Field(alias="created_at")
    group_id: Optional[str] = Field(alias="group_id")
    id: uuid.UUID = Field(alias="id")
    is_read: bool = Field(alias="is_read")
    last_customer_message_at: Optional[datetime.datetime] = Field(alias="last_customer_message_at")
    last_message_at: Optional[datetime.datetime] = Field(alias="last_message_at")
    last_message_direction: Optional[str] = Field(alias="last_message_direction")
    last_message_preview: Optional[str] = Field(alias="last_message_preview")
    last_message_seq: Optional[int] = Field(alias="last_message_seq")
    phone: Optional[str] = Field(alias="phone")
    phone_number_id: str = Field(alias="phone_number_id")
    read_through: int = Field(alias="read_through")
    sort_at: datetime.datetime = Field(alias="sort_at")
    status: str = Field(alias="status")
    unread_count: int = Field(alias="unread_count")
    window_expires_at: Optional[datetime.datetime] = Field(alias="window_expires_at")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicConversationsInsert(TypedDict):
    assigned_to: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="assigned_to")]]
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    connection_id: Annotated[uuid.UUID, Field(alias="connection_id")]
    contact_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="contact_id")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    group_id: NotRequired[Annotated[Optional[str], Field(alias="group_id")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    is_read: NotRequired[Annotated[bool, Field(alias="is_read")]]
    last_customer_message_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="last_customer_message_at")]]
    last_message_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="last_message_at")]]
    last_message_direction: NotRequired[Annotated[Optional[str], Field(alias="last_message_direction")]]
    last_message_preview: NotRequired[Annotated[Optional[str], Field(alias="last_message_preview")]]
    last_message_seq: NotRequired[Annotated[Optional[int], Field(alias="last_message_seq")]]
    phone: NotRequired[Annotated[Optional[str], Field(alias="phone")]]
    phone_number_id: Annotated[str, Field(alias="phone_number_id")]
    read_through: NotRequired[Annotated[int, Field(alias="read_through")]]
    sort_at: NotRequired[Annotated[datetime.datetime, Field(alias="sort_at")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    unread_count: NotRequired[Annotated[int, Field(alias="unread_count")]]
    window_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="window_expires_at")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicConversationsUpdate(TypedDict):
    assigned_to: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="assigned_to")]]
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    connection_id: NotRequired[Annotated[uuid.UUID, Field(alias="connection_id")]]
    contact_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="contact_id")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    group_id: NotRequired[Annotated[Optional[str], Field(alias="group_id")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    is_read: NotRequired[Annotated[bool, Field(alias="is_read")]]
    last_customer_message_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="last_customer_message_at")]]
    last_message_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="last_message_at")]]
    last_message_direction: NotRequired[Annotated[Optional[str], Field(alias="last_message_direction")]]
    last_message_preview: NotRequired[Annotated[Optional[str], Field(alias="last_message_preview")]]
    last_message_seq: NotRequired[Annotated[Optional[int], Field(alias="last_message_seq")]]
    phone: NotRequired[Annotated[Optional[str], Field(alias="phone")]]
    phone_number_id: NotRequired[Annotated[str, Field(alias="phone_number_id")]]
    read_through: NotRequired[Annotated[int, Field(alias="read_through")]]
    sort_at: NotRequired[Annotated[datetime.datetime, Field(alias="sort_at")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    unread_count: NotRequired[Annotated[int, Field(alias="unread_count")]]
    window_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="window_expires_at")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicMediaDownloads(BaseModel):
    attempts: int = Field(alias="attempts")
    available_at: Optional[datetime.datetime] = Field(alias="available_at")
    connection_id: uuid.UUID = Field(alias="connection_id")
    deadline: datetime.datetime = Field(alias="deadline")
    lease_expires_at: Optional[datetime.datetime] = Field(alias="lease_expires_at")
    lease_token: Optional[uuid.UUID] = Field(alias="lease_token")
    media_id: str = Field(alias="media_id")
    message_id: uuid.UUID = Field(alias="message_id")
    object_name: str = Field(alias="object_name")
    sha256: Optional[str] = Field(alias="sha256")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicMediaDownloadsInsert(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    available_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="available_at")]]
    connection_id: Annotated[uuid.UUID, Field(alias="connection_id")]
    deadline: Annotated[datetime.datetime, Field(alias="deadline")]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    lease_token: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="lease_token")]]
    media_id: Annotated[str, Field(alias="media_id")]
    message_id: Annotated[uuid.UUID, Field(alias="message_id")]
    object_name: Annotated[str, Field(alias="object_name")]
    sha256: NotRequired[Annotated[Optional[str], Field(alias="sha256")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicMediaDownloadsUpdate(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    available_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="available_at")]]
    connection_id: NotRequired[Annotated[uuid.UUID, Field(alias="connection_id")]]
    deadline: NotRequired[Annotated[datetime.datetime, Field(alias="deadline")]]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    lease_token: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="lease_token")]]
    media_id: NotRequired[Annotated[str, Field(alias="media_id")]]
    message_id: NotRequired[Annotated[uuid.UUID, Field(alias="message_id")]]
    object_name: NotRequired[Annotated[str, Field(alias="object_name")]]
    sha256: NotRequired[Annotated[Optional[str], Field(alias="sha256")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicMessageStatuses(BaseModel):
    callback_data: Optional[str] = Field(alias="callback_data")
    connection_id: uuid.UUID = Field(alias="connection_id")
    details: JsonValue = Field(alias="details")
    error: Optional[JsonValue] = Field(alias="error")
    errors: Optional[JsonValue] = Field(alias="errors")
    event_id: Optional[int] = Field(alias="event_id")
    occurred_at: datetime.datetime = Field(alias="occurred_at")
    participant: str = Field(alias="participant")
    received_at: datetime.datetime = Field(alias="received_at")
    status: str = Field(alias="status")
    wamid: str = Field(alias="wamid")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicMessageStatusesInsert(TypedDict):
    callback_data: NotRequired[Annotated[Optional[str], Field(alias="callback_data")]]
    connection_id: Annotated[uuid.UUID, Field(alias="connection_id")]
    details: NotRequired[Annotated[JsonValue, Field(alias="details")]]
    error: NotRequired[Annotated[Optional[JsonValue], Field(alias="error")]]
    errors: NotRequired[Annotated[Optional[JsonValue], Field(alias="errors")]]
    event_id: NotRequired[Annotated[Optional[int], Field(alias="event_id")]]
    occurred_at: Annotated[datetime.datetime, Field(alias="occurred_at")]
    participant: NotRequired[Annotated[str, Field(alias="participant")]]
    received_at: NotRequired[Annotated[datetime.datetime, Field(alias="received_at")]]
    status: Annotated[str, Field(alias="status")]
    wamid: Annotated[str, Field(alias="wamid")]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicMessageStatusesUpdate(TypedDict):
    callback_data: NotRequired[Annotated[Optional[str], Field(alias="callback_data")]]
    connection_id: NotRequired[Annotated[uuid.UUID, Field(alias="connection_id")]]
    details: NotRequired[Annotated[JsonValue, Field(alias="details")]]
    error: NotRequired[Annotated[Optional[JsonValue], Field(alias="error")]]
    errors: NotRequired[Annotated[Optional[JsonValue], Field(alias="errors")]]
    event_id: NotRequired[Annotated[Optional[int], Field(alias="event_id")]]
    occurred_at: NotRequired[Annotated[datetime.datetime, Field(alias="occurred_at")]]
    participant: NotRequired[Annotated[str, Field(alias="participant")]]
    received_at: NotRequired[Annotated[datetime.datetime, Field(alias="received_at")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    wamid: NotRequired[Annotated[str, Field(alias="wamid")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicMessageTemplates(BaseModel):
    as_of: JsonValue = Field(alias="as_of")
    category: Optional[str] = Field(alias="category")
    components: JsonValue = Field(alias="components")
    connection_id: uuid.UUID = Field(alias="connection_id")
    id: uuid.UUID = Field(alias="id")
    language: str = Field(alias="language")
    name: str = Field(alias="name")
    provider_template_id: Optional[str] = Field(alias="provider_template_id")
    quality: Optional[str] = Field(alias="quality")
    reason: Optional[str] = Field(alias="reason")
    status: str = Field(alias="status")
    synced_at: datetime.datetime = Field(alias="synced_at")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicMessageTemplatesInsert(TypedDict):
    as_of: NotRequired[Annotated[JsonValue, Field(alias="as_of")]]
    category: NotRequired[Annotated[Optional[str], Field(alias="category")]]
    components: NotRequired[Annotated[JsonValue, Field(alias="components")]]
    connection_id: Annotated[uuid.UUID, Field(alias="connection_id")]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    language: Annotated[str, Field(alias="language")]
    name: Annotated[str, Field(alias="name")]
    provider_template_id: NotRequired[Annotated[Optional[str], Field(alias="provider_template_id")]]
    quality: NotRequired[Annotated[Optional[str], Field(alias="quality")]]
    reason: NotRequired[Annotated[Optional[str], Field(alias="reason")]]
    status: Annotated[str, Field(alias="status")]
    synced_at: NotRequired[Annotated[datetime.datetime, Field(alias="synced_at")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicMessageTemplatesUpdate(TypedDict):
    as_of: NotRequired[Annotated[JsonValue, Field(alias="as_of")]]
    category: NotRequired[Annotated[Optional[str], Field(alias="category")]]
    components: NotRequired[Annotated[JsonValue, Field(alias="components")]]
    connection_id: NotRequired[Annotated[uuid.UUID, Field(alias="connection_id")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    language: NotRequired[Annotated[str, Field(alias="language")]]
    name: NotRequired[Annotated[str, Field(alias="name")]]
    provider_template_id: NotRequired[Annotated[Optional[str], Field(alias="provider_template_id")]]
    quality: NotRequired[Annotated[Optional[str], Field(alias="quality")]]
    reason: NotRequired[Annotated[Optional[str], Field(alias="reason")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    synced_at: NotRequired[Annotated[datetime.datetime, Field(alias="synced_at")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicMessages(BaseModel):
    bsuid: Optional[str] = Field(alias="bsuid")
    client_reference: Optional[str] = Field(alias="client_reference")
    connection_id: uuid.UUID = Field(alias="connection_id")
    content: JsonValue = Field(alias="content")
    conversation_id: Optional[uuid.UUID] = Field(alias="conversation_id")
    created_at: datetime.datetime = Field(alias="created_at")
    delivered_at: Optional[datetime.datetime] = Field(alias="delivered_at")
    direction: str = Field(alias="direction")
    edited_at: Optional[datetime.datetime] = Field(alias="edited_at")
    error: Optional[JsonValue] = Field(alias="error")
    failed_at: Optional[datetime.datetime] = Field(alias="failed_at")
    id: uuid.UUID = Field(alias="id")
    imported: bool = Field(alias="imported")
    media_duration: Optional[float] = Field(alias="media_duration")
    media_error: Optional[JsonValue] = Field(alias="media_error")
    media_filename: Optional[str] = Field(alias="media_filename")
    media_height: Optional[int] = Field(alias="media_height")
    media_id: Optional[str] = Field(alias="media_id")
    media_mime_type: Optional[str] = Field(alias="media_mime_type")
    media_path: Optional[str] = Field(alias="media_path")
    media_sha256: Optional[str] = Field(alias="media_sha256")
    media_size: Optional[int] = Field(alias="media_size")
    media_status: Optional[str] = Field(alias="media_status")
    media_width: Optional[int] = Field(alias="media_width")
    occurred_at: datetime.datetime = Field(alias="occurred_at")
    original_content: Optional[JsonValue] = Field(alias="original_content")
    played_at: Optional[datetime.datetime] = Field(alias="played_at")
    previous_attempts: Optional[JsonValue] = Field(alias="previous_attempts")
    profile_name: Optional[str] = Field(alias="profile_name")
    read_at: Optional[datetime.datetime] = Field(alias="read_at")
    reply_to_wamid: Optional[str] = Field(alias="reply_to_wamid")
    revoked_at: Optional[datetime.datetime] = Field(alias="revoked_at")
    send_after: Optional[datetime.datetime] = Field(alias="send_after")
    sent_at: Optional[datetime.datetime] = Field(alias="sent_at")
    sent_by: Optional[uuid.UUID] = Field(alias="sent_by")
    seq: int = Field(alias="seq")
    status: str = Field(alias="status")
    type: str = Field(alias="type")
    wa_id: Optional[str] = Field(alias="wa_id")
    wamid: Optional[str] = Field(alias="wamid")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicMessagesInsert(TypedDict):
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    client_reference: NotRequired[Annotated[Optional[str], Field(alias="client_reference")]]
    connection_id: Annotated[uuid.UUID, Field(alias="connection_id")]
    content: Annotated[JsonValue, Field(alias="content")]
    conversation_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="conversation_id")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    delivered_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="delivered_at")]]
    direction: NotRequired[Annotated[str, Field(alias="direction")]]
    edited_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="edited_at")]]
    error: NotRequired[Annotated[Optional[JsonValue], Field(alias="error")]]
    failed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="failed_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    imported: NotRequired[Annotated[bool, Field(alias="imported")]]
    media_duration: NotRequired[Annotated[Optional[float], Field(alias="media_duration")]]
    media_error: NotRequired[Annotated[Optional[JsonValue], Field(alias="media_error")]]
    media_filename: NotRequired[Annotated[Optional[str], Field(alias="media_filename")]]
    media_height: NotRequired[Annotated[Optional[int], Field(alias="media_height")]]
    media_id: NotRequired[Annotated[Optional[str], Field(alias="media_id")]]
    media_mime_type: NotRequired[Annotated[Optional[str], Field(alias="media_mime_type")]]
    media_path: NotRequired[Annotated[Optional[str], Field(alias="media_path")]]
    media_sha256: NotRequired[Annotated[Optional[str], Field(alias="media_sha256")]]
    media_size: NotRequired[Annotated[Optional[int], Field(alias="media_size")]]
    media_status: NotRequired[Annotated[Optional[str], Field(alias="media_status")]]
    media_width: NotRequired[Annotated[Optional[int], Field(alias="media_width")]]
    occurred_at: NotRequired[Annotated[datetime.datetime, Field(alias="occurred_at")]]
    original_content: NotRequired[Annotated[Optional[JsonValue], Field(alias="original_content")]]
    played_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="played_at")]]
    previous_attempts: NotRequired[Annotated[Optional[JsonValue], Field(alias="previous_attempts")]]
    profile_name: NotRequired[Annotated[Optional[str], Field(alias="profile_name")]]
    read_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="read_at")]]
    reply_to_wamid: NotRequired[Annotated[Optional[str], Field(alias="reply_to_wamid")]]
    revoked_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="revoked_at")]]
    send_after: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="send_after")]]
    sent_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="sent_at")]]
    sent_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="sent_by")]]
    seq: NotRequired[Annotated[int, Field(alias="seq")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    type: Annotated[str, Field(alias="type")]
    wa_id: NotRequired[Annotated[Optional[str], Field(alias="wa_id")]]
    wamid: NotRequired[Annotated[Optional[str], Field(alias="wamid")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicMessagesUpdate(TypedDict):
    bsuid: NotRequired[Annotated[Optional[str], Field(alias="bsuid")]]
    client_reference: NotRequired[Annotated[Optional[str], Field(alias="client_reference")]]
    connection_id: NotRequired[Annotated[uuid.UUID, Field(alias="connection_id")]]
    content: NotRequired[Annotated[JsonValue, Field(alias="content")]]
    conversation_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="conversation_id")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    delivered_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="delivered_at")]]
    direction: NotRequired[Annotated[str, Field(alias="direction")]]
    edited_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="edited_at")]]
    error: NotRequired[Annotated[Optional[JsonValue], Field(alias="error")]]
    failed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="failed_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    imported: NotRequired[Annotated[bool, Field(alias="imported")]]
    media_duration: NotRequired[Annotated[Optional[float], Field(alias="media_duration")]]
    media_error: NotRequired[Annotated[Optional[JsonValue], Field(alias="media_error")]]
    media_filename: NotRequired[Annotated[Optional[str], Field(alias="media_filename")]]
    media_height: NotRequired[Annotated[Optional[int], Field(alias="media_height")]]
    media_id: NotRequired[Annotated[Optional[str], Field(alias="media_id")]]
    media_mime_type: NotRequired[Annotated[Optional[str], Field(alias="media_mime_type")]]
    media_path: NotRequired[Annotated[Optional[str], Field(alias="media_path")]]
    media_sha256: NotRequired[Annotated[Optional[str], Field(alias="media_sha256")]]
    media_size: NotRequired[Annotated[Optional[int], Field(alias="media_size")]]
    media_status: NotRequired[Annotated[Optional[str], Field(alias="media_status")]]
    media_width: NotRequired[Annotated[Optional[int], Field(alias="media_width")]]
    occurred_at: NotRequired[Annotated[datetime.datetime, Field(alias="occurred_at")]]
    original_content: NotRequired[Annotated[Optional[JsonValue], Field(alias="original_content")]]
    played_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="played_at")]]
    previous_attempts: NotRequired[Annotated[Optional[JsonValue], Field(alias="previous_attempts")]]
    profile_name: NotRequired[Annotated[Optional[str], Field(alias="profile_name")]]
    read_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="read_at")]]
    reply_to_wamid: NotRequired[Annotated[Optional[str], Field(alias="reply_to_wamid")]]
    revoked_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="revoked_at")]]
    send_after: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="send_after")]]
    sent_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="sent_at")]]
    sent_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="sent_by")]]
    seq: NotRequired[Annotated[int, Field(alias="seq")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    type: NotRequired[Annotated[str, Field(alias="type")]]
    wa_id: NotRequired[Annotated[Optional[str], Field(alias="wa_id")]]
    wamid: NotRequired[Annotated[Optional[str], Field(alias="wamid")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicOutbox(BaseModel):
    attempts: int = Field(alias="attempts")
    available_at: datetime.datetime = Field(alias="available_at")
    beside: bool = Field(alias="beside")
    connection_id: Optional[uuid.UUID] = Field(alias="connection_id")
    conversation_id: Optional[uuid.UUID] = Field(alias="conversation_id")
    lease_expires_at: Optional[datetime.datetime] = Field(alias="lease_expires_at")
    lease_token: Optional[uuid.UUID] = Field(alias="lease_token")
    leased_at: Optional[datetime.datetime] = Field(alias="leased_at")
    line_at: datetime.datetime = Field(alias="line_at")
    message_id: uuid.UUID = Field(alias="message_id")
    preparing: bool = Field(alias="preparing")
    priority: int = Field(alias="priority")
    ready_at: Optional[datetime.datetime] = Field(alias="ready_at")
    seq: int = Field(alias="seq")
    uncertain_since: Optional[datetime.datetime] = Field(alias="uncertain_since")
    unsent: int = Field(alias="unsent")
    workspace_id: Optional[uuid.UUID] = Field(alias="workspace_id")

class PublicOutboxInsert(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    available_at: NotRequired[Annotated[datetime.datetime, Field(alias="available_at")]]
    beside: NotRequired[Annotated[bool, Field(alias="beside")]]
    connection_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="connection_id")]]
    conversation_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="conversation_id")]]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    lease_token: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="lease_token")]]
    leased_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="leased_at")]]
    line_at: NotRequired[Annotated[datetime.datetime, Field(alias="line_at")]]
    message_id: Annotated[uuid.UUID, Field(alias="message_id")]
    preparing: NotRequired[Annotated[bool, Field(alias="preparing")]]
    priority: NotRequired[Annotated[int, Field(alias="priority")]]
    ready_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="ready_at")]]
    seq: NotRequired[Annotated[int, Field(alias="seq")]]
    uncertain_since: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="uncertain_since")]]
    unsent: NotRequired[Annotated[int, Field(alias="unsent")]]
    workspace_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="workspace_id")]]

class PublicOutboxUpdate(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    available_at: NotRequired[Annotated[datetime.datetime, Field(alias="available_at")]]
    beside: NotRequired[Annotated[bool, Field(alias="beside")]]
    connection_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="connection_id")]]
    conversation_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="conversation_id")]]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    lease_token: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="lease_token")]]
    leased_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="leased_at")]]
    line_at: NotRequired[Annotated[datetime.datetime, Field(alias="line_at")]]
    message_id: NotRequired[Annotated[uuid.UUID, Field(alias="message_id")]]
    preparing: NotRequired[Annotated[bool, Field(alias="preparing")]]
    priority: NotRequired[Annotated[int, Field(alias="priority")]]
    ready_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="ready_at")]]
    seq: NotRequired[Annotated[int, Field(alias="seq")]]
    uncertain_since: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="uncertain_since")]]
    unsent: NotRequired[Annotated[int, Field(alias="unsent")]]
    workspace_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="workspace_id")]]

class PublicWebhookEvents(BaseModel):
    attempts: int = Field(alias="attempts")
    body: JsonValue = Field(alias="body")
    error: Optional[str] = Field(alias="error")
    id: int = Field(alias="id")
    kinds: List[str] = Field(alias="kinds")
    lease_expires_at: Optional[datetime.datetime] = Field(alias="lease_expires_at")
    missing: Optional[List[str]] = Field(alias="missing")
    phone_number_id: Optional[str] = Field(alias="phone_number_id")
    processed_at: Optional[datetime.datetime] = Field(alias="processed_at")
    provider: str = Field(alias="provider")
    received_at: datetime.datetime = Field(alias="received_at")
    replayed_at: Optional[datetime.datetime] = Field(alias="replayed_at")
    state: str = Field(alias="state")
    waba_id: Optional[str] = Field(alias="waba_id")

class PublicWebhookEventsInsert(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    body: Annotated[JsonValue, Field(alias="body")]
    error: NotRequired[Annotated[Optional[str], Field(alias="error")]]
    id: NotRequired[Annotated[int, Field(alias="id")]]
    kinds: NotRequired[Annotated[List[str], Field(alias="kinds")]]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    missing: NotRequired[Annotated[Optional[List[str]], Field(alias="missing")]]
    phone_number_id: NotRequired[Annotated[Optional[str], Field(alias="phone_number_id")]]
    processed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="processed_at")]]
    provider: Annotated[str, Field(alias="provider")]
    received_at: NotRequired[Annotated[datetime.datetime, Field(alias="received_at")]]
    replayed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="replayed_at")]]
    state: NotRequired[Annotated[str, Field(alias="state")]]
    waba_id: NotRequired[Annotated[Optional[str], Field(alias="waba_id")]]

class PublicWebhookEventsUpdate(TypedDict):
    attempts: NotRequired[Annotated[int, Field(alias="attempts")]]
    body: NotRequired[Annotated[JsonValue, Field(alias="body")]]
    error: NotRequired[Annotated[Optional[str], Field(alias="error")]]
    id: NotRequired[Annotated[int, Field(alias="id")]]
    kinds: NotRequired[Annotated[List[str], Field(alias="kinds")]]
    lease_expires_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="lease_expires_at")]]
    missing: NotRequired[Annotated[Optional[List[str]], Field(alias="missing")]]
    phone_number_id: NotRequired[Annotated[Optional[str], Field(alias="phone_number_id")]]
    processed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="processed_at")]]
    provider: NotRequired[Annotated[str, Field(alias="provider")]]
    received_at: NotRequired[Annotated[datetime.datetime, Field(alias="received_at")]]
    replayed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="replayed_at")]]
    state: NotRequired[Annotated[str, Field(alias="state")]]
    waba_id: NotRequired[Annotated[Optional[str], Field(alias="waba_id")]]

class PublicWhatsappConnections(BaseModel):
    created_at: datetime.datetime = Field(alias="created_at")
    display_phone_number: Optional[str] = Field(alias="display_phone_number")
    former_ids: List[str] = Field(alias="former_ids")
    id: uuid.UUID = Field(alias="id")
    last_error: Optional[JsonValue] = Field(alias="last_error")
    media_downloads_at_once: int = Field(alias="media_downloads_at_once")
    media_lifetime: str = Field(alias="media_lifetime")
    messages_per_second: int = Field(alias="messages_per_second")
    phone_number_id: str = Field(alias="phone_number_id")
    provider: str = Field(alias="provider")
    provider_notices: JsonValue = Field(alias="provider_notices")
    quality_rating: Optional[str] = Field(alias="quality_rating")
    send_read_receipts: bool = Field(alias="send_read_receipts")
    status: str = Field(alias="status")
    status_reason: Optional[str] = Field(alias="status_reason")
    status_since: datetime.datetime = Field(alias="status_since")
    verified_at: Optional[datetime.datetime] = Field(alias="verified_at")
    waba_id: Optional[str] = Field(alias="waba_id")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicWhatsappConnectionsInsert(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    display_phone_number: NotRequired[Annotated[Optional[str], Field(alias="display_phone_number")]]
    former_ids: NotRequired[Annotated[List[str], Field(alias="former_ids")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    last_error: NotRequired[Annotated[Optional[JsonValue], Field(alias="last_error")]]
    media_downloads_at_once: NotRequired[Annotated[int, Field(alias="media_downloads_at_once")]]
    media_lifetime: NotRequired[Annotated[str, Field(alias="media_lifetime")]]
    messages_per_second: NotRequired[Annotated[int, Field(alias="messages_per_second")]]
    phone_number_id: Annotated[str, Field(alias="phone_number_id")]
    provider: NotRequired[Annotated[str, Field(alias="provider")]]
    provider_notices: NotRequired[Annotated[JsonValue, Field(alias="provider_notices")]]
    quality_rating: NotRequired[Annotated[Optional[str], Field(alias="quality_rating")]]
    send_read_receipts: NotRequired[Annotated[bool, Field(alias="send_read_receipts")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    status_reason: NotRequired[Annotated[Optional[str], Field(alias="status_reason")]]
    status_since: NotRequired[Annotated[datetime.datetime, Field(alias="status_since")]]
    verified_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="verified_at")]]
    waba_id: NotRequired[Annotated[Optional[str], Field(alias="waba_id")]]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicWhatsappConnectionsUpdate(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    display_phone_number: NotRequired[Annotated[Optional[str], Field(alias="display_phone_number")]]
    former_ids: NotRequired[Annotated[List[str], Field(alias="former_ids")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    last_error: NotRequired[Annotated[Optional[JsonValue], Field(alias="last_error")]]
    media_downloads_at_once: NotRequired[Annotated[int, Field(alias="media_downloads_at_once")]]
    media_lifetime: NotRequired[Annotated[str, Field(alias="media_lifetime")]]
    messages_per_second: NotRequired[Annotated[int, Field(alias="messages_per_second")]]
    phone_number_id: NotRequired[Annotated[str, Field(alias="phone_number_id")]]
    provider: NotRequired[Annotated[str, Field(alias="provider")]]
    provider_notices: NotRequired[Annotated[JsonValue, Field(alias="provider_notices")]]
    quality_rating: NotRequired[Annotated[Optional[str], Field(alias="quality_rating")]]
    send_read_receipts: NotRequired[Annotated[bool, Field(alias="send_read_receipts")]]
    status: NotRequired[Annotated[str, Field(alias="status")]]
    status_reason: NotRequired[Annotated[Optional[str], Field(alias="status_reason")]]
    status_since: NotRequired[Annotated[datetime.datetime, Field(alias="status_since")]]
    verified_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="verified_at")]]
    waba_id: NotRequired[Annotated[Optional[str], Field(alias="waba_id")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicWorkspaceInvitations(BaseModel):
    created_at: datetime.datetime = Field(alias="created_at")
    email: str = Field(alias="email")
    expires_at: datetime.datetime = Field(alias="expires_at")
    id: uuid.UUID = Field(alias="id")
    invited_by: Optional[uuid.UUID] = Field(alias="invited_by")
    role: str = Field(alias="role")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicWorkspaceInvitationsInsert(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    email: Annotated[str, Field(alias="email")]
    expires_at: NotRequired[Annotated[datetime.datetime, Field(alias="expires_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    invited_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="invited_by")]]
    role: Annotated[str, Field(alias="role")]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicWorkspaceInvitationsUpdate(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    email: NotRequired[Annotated[str, Field(alias="email")]]
    expires_at: NotRequired[Annotated[datetime.datetime, Field(alias="expires_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    invited_by: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="invited_by")]]
    role: NotRequired[Annotated[str, Field(alias="role")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicWorkspaceMembers(BaseModel):
    created_at: datetime.datetime = Field(alias="created_at")
    role: str = Field(alias="role")
    user_id: uuid.UUID = Field(alias="user_id")
    workspace_id: uuid.UUID = Field(alias="workspace_id")

class PublicWorkspaceMembersInsert(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    role: Annotated[str, Field(alias="role")]
    user_id: Annotated[uuid.UUID, Field(alias="user_id")]
    workspace_id: Annotated[uuid.UUID, Field(alias="workspace_id")]

class PublicWorkspaceMembersUpdate(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    role: NotRequired[Annotated[str, Field(alias="role")]]
    user_id: NotRequired[Annotated[uuid.UUID, Field(alias="user_id")]]
    workspace_id: NotRequired[Annotated[uuid.UUID, Field(alias="workspace_id")]]

class PublicWorkspaces(BaseModel):
    broadcasts: bool = Field(alias="broadcasts")
    connection_limit: int = Field(alias="connection_limit")
    created_at: datetime.datetime = Field(alias="created_at")
    default_language: str = Field(alias="default_language")
    deleted_at: Optional[datetime.datetime] = Field(alias="deleted_at")
    id: uuid.UUID = Field(alias="id")
    media_retention_days: Optional[int] = Field(alias="media_retention_days")
    name: str = Field(alias="name")

class PublicWorkspacesInsert(TypedDict):
    broadcasts: NotRequired[Annotated[bool, Field(alias="broadcasts")]]
    connection_limit: NotRequired[Annotated[int, Field(alias="connection_limit")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    default_language: NotRequired[Annotated[str, Field(alias="default_language")]]
    deleted_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="deleted_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    media_retention_days: NotRequired[Annotated[Optional[int], Field(alias="media_retention_days")]]
    name: Annotated[str, Field(alias="name")]

class PublicWorkspacesUpdate(TypedDict):
    broadcasts: NotRequired[Annotated[bool, Field(alias="broadcasts")]]
    connection_limit: NotRequired[Annotated[int, Field(alias="connection_limit")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    default_language: NotRequired[Annotated[str, Field(alias="default_language")]]
    deleted_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="deleted_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    media_retention_days: NotRequired[Annotated[Optional[int], Field(alias="media_retention_days")]]
    name: NotRequired[Annotated[str, Field(alias="name")]]





class PublicConversationDetails(BaseModel):
    id: Optional[uuid.UUID] = Field(alias="id")
    workspace_id: Optional[uuid.UUID] = Field(alias="workspace_id")
    connection_id: Optional[uuid.UUID] = Field(alias="connection_id")
    phone_number_id: Optional[str] = Field(alias="phone_number_id")
    phone: Optional[str] = Field(alias="phone")
    bsuid: Optional[str] = Field(alias="bsuid")
    group_id: Optional[str] = Field(alias="group_id")
    title: Optional[str] = Field(alias="title")
    contact: Optional[JsonValue] = Field(alias="contact")
    status: Optional[str] = Field(alias="status")
    is_read: Optional[bool] = Field(alias="is_read")
    unread_count: Optional[int] = Field(alias="unread_count")
    assigned_to: Optional[uuid.UUID] = Field(alias="assigned_to")
    last_message_at: Optional[datetime.datetime] = Field(alias="last_message_at")
    last_message_preview: Optional[str] = Field(alias="last_message_preview")
    last_message_direction: Optional[str] = Field(alias="last_message_direction")
    last_customer_message_at: Optional[datetime.datetime] = Field(alias="last_customer_message_at")
    window_expires_at: Optional[datetime.datetime] = Field(alias="window_expires_at")
    is_window_open: Optional[bool] = Field(alias="is_window_open")
    window_seconds_left: Optional[int] = Field(alias="window_seconds_left")
    cursor: Optional[str] = Field(alias="cursor")
    connection: Optional[JsonValue] = Field(alias="connection")

class PublicConversationListItem(BaseModel):
    id: Optional[uuid.UUID] = Field(alias="id")
    workspace_id: Optional[uuid.UUID] = Field(alias="workspace_id")
    connection_id: Optional[uuid.UUID] = Field(alias="connection_id")
    phone_number_id: Optional[str] = Field(alias="phone_number_id")
    phone: Optional[str] = Field(alias="phone")
    bsuid: Optional[str] = Field(alias="bsuid")
    group_id: Optional[str] = Field(alias="group_id")
    title: Optional[str] = Field(alias="title")
    contact: Optional[JsonValue] = Field(alias="contact")
    status: Optional[str] = Field(alias="status")
    is_read: Optional[bool] = Field(alias="is_read")
    unread_count: Optional[int] = Field(alias="unread_count")
    assigned_to: Optional[uuid.UUID] = Field(alias="assigned_to")
    last_message_at: Optional[datetime.datetime] = Field(alias="last_message_at")
    last_message_preview: Optional[str] = Field(alias="last_message_preview")
    last_message_direction: Optional[str] = Field(alias="last_message_direction")
    last_customer_message_at: Optional[datetime.datetime] = Field(alias="last_customer_message_at")
    window_expires_at: Optional[datetime.datetime] = Field(alias="window_expires_at")
    is_window_open: Optional[bool] = Field(alias="is_window_open")
    window_seconds_left: Optional[int] = Field(alias="window_seconds_left")
    cursor: Optional[str] = Field(alias="cursor")

class PublicConversationMessage(BaseModel):
    id: Optional[uuid.UUID] = Field(alias="id")
    conversation_id: Optional[uuid.UUID] = Field(alias="conversation_id")
    direction: Optional[str] = Field(alias="direction")
    type: Optional[str] = Field(alias="type")
    content: Optional[JsonValue] = Field(alias="content")
    status: Optional[str] = Field(alias="status")
    error: Optional[JsonValue] = Field(alias="error")
    occurred_at: Optional[datetime.datetime] = Field(alias="occurred_at")
    sent_at: Optional[datetime.datetime] = Field(alias="sent_at")
    delivered_at: Optional[datetime.datetime] = Field(alias="delivered_at")
    read_at: Optional[datetime.datetime] = Field(alias="read_at")
    failed_at: Optional[datetime.datetime] = Field(alias="failed_at")
    edited_at: Optional[datetime.datetime] = Field(alias="edited_at")
    revoked_at: Optional[datetime.datetime] = Field(alias="revoked_at")
    sent_by: Optional[uuid.UUID] = Field(alias="sent_by")
    client_reference: Optional[str] = Field(alias="client_reference")
    media_status: Optional[str] = Field(alias="media_status")
    media_path: Optional[str] = Field(alias="media_path")
    media_mime_type: Optional[str] = Field(alias="media_mime_type")
    media_size: Optional[int] = Field(alias="media_size")
    media_filename: Optional[str] = Field(alias="media_filename")
    media_width: Optional[int] = Field(alias="media_width")
    media_height: Optional[int] = Field(alias="media_height")
    media_duration: Optional[float] = Field(alias="media_duration")
    media_error: Optional[JsonValue] = Field(alias="media_error")
    profile_name: Optional[str] = Field(alias="profile_name")
    wamid: Optional[str] = Field(alias="wamid")
    reply_to_wamid: Optional[str] = Field(alias="reply_to_wamid")
    reply_to: Optional[JsonValue] = Field(alias="reply_to")
    reactions: Optional[JsonValue] = Field(alias="reactions")
