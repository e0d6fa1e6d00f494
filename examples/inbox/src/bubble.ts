// One message of a thread.
import type { Api, Template } from './api'
import { el, type Child } from './dom'
import { clock } from './format'
import { media } from './media'
import type { ThreadMessage } from './shapes'
import { words } from './words'

const FILES = new Set(['image', 'video', 'audio', 'document', 'sticker'])
const TICKS: Record<string, string> = {
  queued: '◷',
  sending: '◷',
  sent: '✓',
  delivered: '✓✓',
  read: '✓✓',
  played: '✓✓',
  failed: '!',
  uncertain: '?',
  canceled: '✕',
}
const WAITING = new Set(['queued', 'sending', 'uncertain'])
const EMOJIS = ['👍', '❤️', '😂', '😮', '😢', '🙏']

export interface BubbleActions {
  reply: (message: ThreadMessage) => void
  react: (message: ThreadMessage, emoji: string) => void
  /** Does it and shows what it was refused with. */
  attempt: (work: () => Promise<unknown>) => void
  explain: (message: ThreadMessage, into: HTMLElement) => void
}

export function bubble(api: Api, message: ThreadMessage, templates: Template[], group: boolean, act: BubbleActions) {
  if (message.type === 'system') {
    return el('li', { class: 'system' }, el('span', { dir: 'auto' }, words(message, templates)))
  }
  const own = message.direction === 'outbound'
  return el(
    'li',
    { class: `message ${message.direction}`, 'data-type': message.type, 'data-status': message.status },
    el(
      'div',
      { class: 'bubble' },
      group && !own && el('div', { class: 'author', dir: 'auto' }, message.profile_name ?? ''),
      quote(message),
      ...(message.revoked_at
        ? [el('p', { class: 'revoked' }, '🚫 This message was deleted')]
        : inside(api, message, templates)),
      foot(message, own),
      own && trouble(api, message, act),
      reactions(message),
    ),
    message.wamid && !message.revoked_at && tools(message, act),
  )
}

function inside(api: Api, message: ThreadMessage, templates: Template[]): Child[] {
  const text = words(message, templates)
  const forwarded = (message.content as { context?: { forwarded?: boolean } }).context?.forwarded
  return [
    forwarded && el('div', { class: 'note' }, 'Forwarded'),
    message.type === 'template' && el('div', { class: 'note' }, 'Template'),
    FILES.has(message.type) && media(api, message),
    text && el('p', { class: 'text', dir: 'auto' }, ...linked(text)),
  ]
}

/** Addresses become links; what is no http address stays text. */
function linked(text: string): Child[] {
  return text
    .split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]])/g)
    .map((part, place) =>
      place % 2 ? el('a', { href: part, target: '_blank', rel: 'noopener noreferrer' }, part) : part,
    )
}

function quote(message: ThreadMessage): HTMLElement | null {
  if (!message.reply_to_wamid) return null
  const quoted = message.reply_to
  const who = !quoted ? '' : quoted.direction === 'outbound' ? 'You' : 'Customer'
  const text = quoted ? quoted.preview || quoted.type : 'A message that is not here'
  return el('blockquote', { dir: 'auto' }, who && el('strong', {}, who), el('span', {}, text))
}

function foot(message: ThreadMessage, own: boolean): HTMLElement {
  const status = el('span', { class: `ticks ${message.status}`, role: 'img', 'aria-label': message.status })
  status.textContent = TICKS[message.status] ?? ''
  status.title = message.status
  const edited = message.edited_at && !message.revoked_at && el('span', {}, 'edited')
  return el(
    'footer',
    {},
    edited,
    el('time', { datetime: message.occurred_at }, clock(message.occurred_at)),
    own && status,
  )
}

function trouble(api: Api, message: ThreadMessage, act: BubbleActions): HTMLElement | null {
  const button = (text: string, onclick: () => void) => el('button', { type: 'button', class: 'link', onclick }, text)
  if (message.status === 'failed' || message.status === 'canceled') {
    const { title, remedy, code } = message.error ?? {}
    const reason = [
      title ?? (code && `Error ${code}`) ?? (message.status === 'failed' ? 'Not sent' : 'Canceled'),
      remedy,
    ]
    const again = button('Send again', () => act.attempt(() => api.retry(message.id)))
    return el('div', { class: 'trouble', dir: 'auto' }, reason.filter(Boolean).join(' – '), ' ', again)
  }
  if (!WAITING.has(message.status)) return null
  const why = el('span')
  const cancel = message.status === 'queued' && button('Cancel', () => act.attempt(() => api.cancel(message.id)))
  return el(
    'div',
    { class: 'waits' },
    button('Why does it wait?', () => act.explain(message, why)),
    cancel,
    why,
  )
}

function reactions(message: ThreadMessage): HTMLElement | null {
  if (!message.reactions.length) return null
  const who = { inbound: 'customer', outbound: 'you' }
  return el(
    'div',
    { class: 'reactions' },
    ...message.reactions.map(({ emoji, direction }) => el('span', { title: who[direction] }, emoji)),
  )
}

function tools(message: ThreadMessage, act: BubbleActions): HTMLElement {
  const own = message.reactions.find(({ direction }) => direction === 'outbound')?.emoji
  const choose = (emoji: string) => () => act.react(message, emoji === own ? '' : emoji)
  const emojis = EMOJIS.map((emoji) =>
    el('button', { type: 'button', 'aria-pressed': String(emoji === own), onclick: choose(emoji) }, emoji),
  )
  return el(
    'div',
    { class: 'tools' },
    el('button', { type: 'button', 'aria-label': 'Reply', onclick: () => act.reply(message) }, '↩'),
    el('details', {}, el('summary', { 'aria-label': 'React' }, '☺'), el('div', { class: 'emojis' }, ...emojis)),
  )
}
