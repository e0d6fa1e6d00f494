// What is in `messages.content`, type by type: the Cloud API's own objects. docs/messages.md is the same in words.

/** What came beside the object of a customer's message, under WhatsApp's own keys. */
export interface Beside {
  referral?: Referral
  context?: {
    from?: string
    id?: string
    forwarded?: boolean
    frequently_forwarded?: boolean
    referred_product?: { catalog_id: string; product_retailer_id: string }
  }
  errors?: WhatsAppError[]
  /** Who wrote, in a group. */
  from?: string
  from_user_id?: string
}

/** From which ad or post the customer comes. */
export interface Referral {
  source_url?: string
  source_id?: string
  source_type?: string
  headline?: string
  body?: string
  media_type?: string
  image_url?: string
  video_url?: string
  thumbnail_url?: string
  ctwa_clid?: string
}

export interface WhatsAppError {
  code: number
  title?: string
  message?: string
  error_data?: { details?: string }
}

export interface TextContent extends Beside {
  body: string
  preview_url?: boolean
}

/** For sending, one of `path` (an object in bucket whatsapp-media under `{workspace}/outgoing/`), `link` and `id`. */
export interface MediaContent extends Beside {
  caption?: string
  filename?: string
  voice?: boolean
  animated?: boolean
  path?: string
  link?: string
  id?: string
}

export interface LocationContent extends Beside {
  latitude: number | string
  longitude: number | string
  name?: string
  address?: string
  url?: string
}

export interface ContactCard extends Beside {
  name?: { formatted_name?: string; first_name?: string; last_name?: string }
  phones?: { phone?: string; wa_id?: string; user_id?: string; type?: string }[]
  emails?: { email?: string; type?: string }[]
  vcard?: string
  origin?: string
}

export interface ButtonContent extends Beside {
  text?: string
  payload?: string
}

/** A customer's answer, under the key that `type` names, or what the business asked. */
export type InteractiveContent = InteractiveAnswer | InteractiveQuestion

export type InteractiveAnswer = Beside &
  (
    | { type: 'button_reply'; button_reply: { id: string; title: string } }
    | { type: 'list_reply'; list_reply: { id: string; title: string; description?: string } }
    | { type: 'nfm_reply'; nfm_reply: { name?: string; body?: string; response_json: string } }
    | {
        type: 'call_permission_reply'
        call_permission_reply: { response: string; expiration_timestamp?: number; response_source?: string }
      }
  )

export interface InteractiveQuestion {
  type: 'button' | 'list' | 'cta_url' | 'flow' | 'location_request_message' | 'product' | 'product_list'
  header?: { type: string; text?: string }
  body?: { text: string }
  footer?: { text: string }
  action: { [key: string]: unknown }
}

export interface TemplateContent {
  name: string
  language?: string | { code: string }
  components?: TemplateComponent[]
}

export interface TemplateComponent {
  type: string
  sub_type?: string
  index?: string | number
  parameters?: { type: string; text?: string; parameter_name?: string; [key: string]: unknown }[]
}

/** Empty or missing emoji: taken back. */
export interface ReactionContent extends Beside {
  message_id: string
  emoji?: string
}

export interface OrderContent extends Beside {
  catalog_id?: string
  text?: string
  product_items: {
    product_retailer_id: string
    quantity: number | string
    item_price: number | string
    currency: string
  }[]
}

export interface SystemContent {
  body?: string
  type?: string
  wa_id?: string
  user_id?: string
  parent_user_id?: string
  identity?: { acknowledged?: boolean; created_timestamp?: string; hash?: string }
}

export interface UnsupportedContent extends Beside {
  type?: string
}

export interface EditContent extends Beside {
  original_message_id: string
  message?: { type: string; [key: string]: unknown }
}

export interface RevokeContent extends Beside {
  original_message_id: string
}

/** Nothing of it is passed on. */
export type EmptyContent = Beside

export interface ContentByType {
  text: TextContent
  image: MediaContent
  video: MediaContent
  document: MediaContent
  audio: MediaContent
  sticker: MediaContent
  location: LocationContent
  contacts: ContactCard[]
  button: ButtonContent
  interactive: InteractiveContent
  template: TemplateContent
  reaction: ReactionContent
  order: OrderContent
  system: SystemContent
  unsupported: UnsupportedContent
  unknown: UnsupportedContent
  edit: EditContent
  revoke: RevokeContent
  ephemeral: EmptyContent
  request_welcome: EmptyContent
  media_placeholder: EmptyContent
}

export type MessageType = keyof ContentByType

/** `type` decides what `content` is. A type not invented yet is left to a `default` branch. */
export type TypedContent = { [T in MessageType]: { type: T; content: ContentByType[T] } }[MessageType]

/** What an inbox may insert. */
export type OutgoingType =
  | 'text'
  | 'image'
  | 'video'
  | 'document'
  | 'audio'
  | 'sticker'
  | 'location'
  | 'contacts'
  | 'interactive'
  | 'template'
  | 'reaction'
export type OutgoingContent = { [T in OutgoingType]: { type: T; content: ContentByType[T] } }[OutgoingType]
