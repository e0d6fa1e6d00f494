// What a phone shows, told from what the simulated WhatsApp has posted and what it has been sent.

/** One message on the phone; `own` is the customer's. `at` is in seconds. */
export interface Line {
  id: string
  own: boolean
  at: number
  text: string
  reactions: string[]
}

interface Message {
  id: string
  from?: string
  timestamp?: string
  type: string
  [type: string]: unknown
}

/** A row of `/_control/deliveries`. */
export interface Posted {
  duplicate_of: number | null
  body: { entry?: { changes?: { value?: { messages?: Message[] } }[] }[] } | string | null
}

/** A row of `/_control/sent`. */
export interface Sent {
  wamid: string
  accepted_at: number
  body: Message
}

interface Part {
  body?: string | { text?: string }
  caption?: string
  filename?: string
  name?: string
  message_id?: string
  emoji?: string
  components?: { type: string; parameters?: { text?: string }[] }[]
}

const SIGNS: Record<string, string> = {
  image: '🖼️',
  video: '🎬',
  audio: '🎤',
  document: '📄',
  sticker: '🙂',
  template: '📋',
}

/** The chat with one customer, oldest first. */
export function chat(deliveries: Posted[], answers: Sent[], customer: string): Line[] {
  const messages = deliveries
    .filter(({ duplicate_of, body }) => duplicate_of === null && body && typeof body === 'object')
    .flatMap(({ body }) => (body as Exclude<Posted['body'], string | null>).entry ?? [])
    .flatMap(({ changes }) => changes ?? [])
    .flatMap(({ value }) => value?.messages ?? [])
    .filter(({ from }) => from === customer)
    .map((message) => ({ id: message.id, own: true, at: Number(message.timestamp), message }))
  const sent = answers.map(({ wamid, accepted_at, body }) => ({
    id: wamid,
    own: false,
    at: accepted_at,
    message: body,
  }))
  const all = [...messages, ...sent].sort((one, other) => one.at - other.at)
  return all
    .filter(({ message }) => message.type !== 'reaction')
    .map(({ id, own, at, message }) => ({ id, own, at, text: said(message), reactions: reactionsTo(id, all) }))
}

/** The newest reaction of each side; an empty one takes it back. */
function reactionsTo(id: string, all: { own: boolean; message: Message }[]): string[] {
  const newest = new Map<boolean, string>()
  for (const { own, message } of all) {
    const { message_id, emoji } = (message['reaction'] ?? {}) as Part
    if (message.type === 'reaction' && message_id === id) newest.set(own, emoji ?? '')
  }
  return [...newest.values()].filter(Boolean)
}

function said(message: Message): string {
  const part = (message[message.type] ?? {}) as Part
  const body = typeof part.body === 'string' ? part.body : part.body?.text
  const filled = part.components
    ?.flatMap(({ parameters }) => parameters ?? [])
    .map(({ text }) => text)
    .join(', ')
  const text = [body, part.caption, part.filename, part.name, filled].filter(Boolean).join(' · ')
  const sign = SIGNS[message.type]
  return [sign, text || (sign ? '' : message.type)].filter(Boolean).join(' ')
}
