// A message's content in words: for bubbles, quotes and whatever has no shape of its own here.
import type {
  ContactCard,
  InteractiveAnswer,
  InteractiveContent,
  LocationContent,
  OrderContent,
  TemplateContent,
  UnsupportedContent,
} from './content'
import type { Template } from './api'
import type { ThreadMessage } from './shapes'

/** The text of a message, without its file; empty when there is none. */
export function words(message: ThreadMessage, templates: Template[]): string {
  switch (message.type) {
    case 'text':
      return message.content.body
    case 'image':
    case 'video':
    case 'document':
    case 'audio':
    case 'sticker':
      return message.content.caption ?? ''
    case 'location':
      return place(message.content)
    case 'contacts':
      return message.content.map(card).join('\n')
    case 'button':
      return message.content.text ?? message.content.payload ?? ''
    case 'interactive':
      return asked(message.content)
    case 'template':
      return filled(message.content, templates)
    case 'order':
      return cart(message.content)
    case 'system':
      return message.content.body ?? 'The number or its keys have changed'
    case 'unsupported':
    case 'unknown':
      return missing(message.content)
    case 'media_placeholder':
      return 'A file from before'
    default:
      return `Sent a message of type ${(message as { type: string }).type}`
  }
}

function place({ name, address, latitude, longitude }: LocationContent): string {
  return ['📍 ' + (name ?? 'Location'), address, `${latitude}, ${longitude}`].filter(Boolean).join('\n')
}

function card({ name, phones, emails }: ContactCard): string {
  const lines = [...(phones ?? []).map((one) => one.phone ?? one.wa_id), ...(emails ?? []).map((one) => one.email)]
  return ['👤 ' + (name?.formatted_name ?? name?.first_name ?? 'Contact'), ...lines].filter(Boolean).join('\n')
}

function asked(content: InteractiveContent): string {
  if ('action' in content) {
    return [content.header?.text, content.body?.text, content.footer?.text].filter(Boolean).join('\n')
  }
  return answered(content)
}

function answered(content: InteractiveAnswer): string {
  switch (content.type) {
    case 'button_reply':
      return content.button_reply.title
    case 'list_reply':
      return [content.list_reply.title, content.list_reply.description].filter(Boolean).join('\n')
    case 'nfm_reply':
      return `📋 ${content.nfm_reply.body ?? 'Form'}: ${content.nfm_reply.response_json}`
    case 'call_permission_reply':
      return `📞 Calls: ${content.call_permission_reply.response}`
    default:
      return 'An answer'
  }
}

function cart({ text, product_items: items }: OrderContent): string {
  const lines = items.map(
    (item) => `${item.quantity} × ${item.product_retailer_id}  ${item.item_price} ${item.currency}`,
  )
  return ['🛒 Order', ...lines, text].filter(Boolean).join('\n')
}

function missing({ type, errors }: UnsupportedContent): string {
  const reason = errors?.[0]?.error_data?.details ?? errors?.[0]?.title
  return `Sent something that WhatsApp does not pass on${type ? ` (${type})` : ''}${reason ? `: ${reason}` : ''}`
}

/** The template's own text with its variables filled in, where we know the template. */
function filled(content: TemplateContent, templates: Template[]): string {
  const text = bodyText(templates.find((one) => one.name === content.name))
  const body = content.components?.find((component) => component.type.toLowerCase() === 'body')
  if (!text) return [content.name, ...(body?.parameters ?? []).map((one) => one.text ?? '…')].join(' · ')
  return (body?.parameters ?? []).reduce(
    (so_far, { parameter_name: name, text: value }, place) =>
      so_far.replaceAll(`{{${name ?? place + 1}}}`, value ?? '…'),
    text,
  )
}

/** What a template says, with its variables as `{{1}}` or `{{name}}`. */
export function bodyText(template: Template | undefined): string {
  const components = (template?.components ?? []) as { type?: string; text?: string }[]
  return components.find((component) => component.type?.toUpperCase() === 'BODY')?.text ?? ''
}

/** The variables of a template's body, each once, in their order. */
export function variables(template: Template): string[] {
  return [...new Set([...bodyText(template).matchAll(/\{\{\s*([a-z0-9_]+)\s*\}\}/g)].map((found) => found[1]!))]
}
