// What the functions of the API answer and take, as an inbox uses them. Times are ISO 8601, ids are UUIDs.
import type { TypedContent } from './content'

export interface ContactSummary {
  id: string
  name: string | null
  profile_name: string | null
  phone: string | null
  tags: string[]
  marketing_opted_out_at: string | null
}

/** A row of `get_conversations`. */
export interface ConversationListItem {
  id: string
  workspace_id: string
  connection_id: string
  phone_number_id: string
  phone: string | null
  bsuid: string | null
  group_id: string | null
  /** The contact's name, else the name they gave themselves, else the phone number, else the user id. */
  title: string
  contact: ContactSummary | null
  status: 'open' | 'archived'
  is_read: boolean
  unread_count: number
  assigned_to: string | null
  last_message_at: string | null
  last_message_preview: string | null
  last_message_direction: 'inbound' | 'outbound' | null
  last_customer_message_at: string | null
  window_expires_at: string | null
  is_window_open: boolean
  /** 0 when closed. */
  window_seconds_left: number
  /** Opaque: as a filter it asks for the rows after this one. */
  cursor: string
}

export interface ContactNote {
  id: string
  body: string
  created_by: string | null
  created_at: string
}

/** The row of `get_conversation`. */
export interface ConversationWithDetails extends Omit<ConversationListItem, 'contact'> {
  contact: (ContactSummary & { attributes: Record<string, unknown>; notes: ContactNote[] }) | null
  connection: { id: string; display_phone_number: string | null; provider: string; status: string }
}

/** What `get_conversations` takes; unknown keys are refused. */
export interface ConversationFilters {
  /** 2 to 100 characters: names, phone in any notation, message text. */
  search?: string
  /** Open when missing. */
  status?: 'open' | 'archived' | 'all'
  unread?: boolean
  /** `me`, `nobody` or a user id. */
  assignee?: string
  /** All of them. */
  tags?: string[]
  connection_id?: string
  /** 1 to 200, 50 when missing. */
  limit?: number
  cursor?: string
}

export interface ConversationStats {
  total: number
  unread: number
  archived: number
  window_closed: number
}

/** The 24 hours after the customer's last word, in which free-form messages may be sent. */
export interface WindowStatus {
  is_open: boolean
  expires_at: string | null
  seconds_left: number
}

export interface MessageError {
  code?: string | number
  title?: string
  details?: string
  class?: string
  remedy?: string
}

export type MessageStatus =
  | 'received'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'played'
  | 'failed'
  | 'uncertain'
  | 'canceled'

export type MediaStatus = 'pending' | 'downloading' | 'stored' | 'failed' | 'expired' | 'corrupt'

export interface Reaction {
  emoji: string
  direction: 'inbound' | 'outbound'
  /** Who put it there, in a group. */
  wa_id: string | null
  bsuid: string | null
  occurred_at: string
}

/** A row of `get_conversation_messages`, whatever is in it. */
export interface MessageRow {
  id: string
  conversation_id: string
  type: string
  content: unknown
  direction: 'inbound' | 'outbound'
  status: MessageStatus
  error: MessageError | null
  wamid: string | null
  reply_to_wamid: string | null
  profile_name: string | null
  sent_by: string | null
  client_reference: string | null
  occurred_at: string
  sent_at: string | null
  delivered_at: string | null
  read_at: string | null
  failed_at: string | null
  edited_at: string | null
  revoked_at: string | null
  media_status: MediaStatus | null
  media_path: string | null
  media_mime_type: string | null
  media_size: number | null
  media_filename: string | null
  media_width: number | null
  media_height: number | null
  media_duration: number | null
  media_error: MessageError | null
  reply_to: { id: string; direction: 'inbound' | 'outbound'; type: string; preview: string | null } | null
  reactions: Reaction[]
}

/** The same, where `type` decides what `content` is. */
export type ThreadMessage = TypedContent & Omit<MessageRow, 'type' | 'content'>

/** Why a message waits, from `explain_outbound`. */
export interface Explanation {
  reason: string | null
  until: string | null
  detail: unknown
}

export function windowStatus(conversation: ConversationListItem | ConversationWithDetails): WindowStatus {
  return {
    is_open: conversation.is_window_open,
    expires_at: conversation.window_expires_at,
    seconds_left: conversation.window_seconds_left,
  }
}
