// Files of a message: shown from a signed address, saved under their name.
import type { Api } from './api'
import { el } from './dom'
import { bytes } from './format'
import type { MediaContent } from './content'
import type { ThreadMessage } from './shapes'

const WAITS: Record<string, string> = {
  pending: 'On its way…',
  downloading: 'On its way…',
  failed: 'Could not be fetched',
  expired: 'No longer at WhatsApp',
  corrupt: 'Arrived damaged',
}
const MENDABLE = new Set(['failed', 'expired', 'corrupt'])

/** The file, or why it is not there. */
export function media(api: Api, message: ThreadMessage): HTMLElement {
  const content = message.content as MediaContent
  const path = message.media_path ?? content.path
  if (path && (message.media_status === 'stored' || content.path)) return file(api, message, path)
  const reason = message.media_status ? WAITS[message.media_status] : content.link ? 'Sent from a link' : 'Sent'
  const waiting = el('div', { class: 'file waiting' }, `${message.type}: `, reason ?? message.media_status)
  if (message.media_status && MENDABLE.has(message.media_status)) {
    const again = el('button', { type: 'button', class: 'link' }, 'Try again')
    again.addEventListener('click', () => void api.retryMedia(message.id).catch(() => (again.textContent = 'Refused')))
    waiting.append(again)
  }
  return waiting
}

function file(api: Api, message: ThreadMessage, path: string): HTMLElement {
  const content = message.content as MediaContent
  switch (message.type) {
    case 'image':
    case 'sticker':
      return picture(api, message, path)
    case 'video': {
      const { media_width: width, media_height: height } = message
      return sourced(api, el('video', { class: 'picture', controls: true, preload: 'metadata', width, height }), path)
    }
    case 'audio':
      return el(
        'div',
        { class: 'voice' },
        el('span', { 'aria-hidden': 'true' }, content.voice ? '🎤' : '🎵'),
        sourced(api, el('audio', { controls: true, preload: 'metadata', 'aria-label': 'Voice message' }), path),
      )
    default:
      return document_(api, message, path)
  }
}

function picture(api: Api, message: ThreadMessage, path: string): HTMLElement {
  // With its size known, the thread does not jump when the picture comes.
  const { media_width: width, media_height: height } = message
  const alt = (message.content as MediaContent).caption || `Picture of ${message.profile_name ?? 'the conversation'}`
  const image = sourced(api, el('img', { class: 'picture', alt, width, height, loading: 'lazy' }), path)
  if (message.type === 'sticker') image.classList.add('sticker')
  const open = async () => window.open(await api.address(path), '_blank', 'noopener')
  return el('button', { type: 'button', class: 'bare', 'aria-label': `Open: ${alt}`, onclick: open }, image)
}

function document_(api: Api, message: ThreadMessage, path: string): HTMLElement {
  const name = message.media_filename ?? (message.content as MediaContent).filename ?? 'document'
  async function save(): Promise<void> {
    const link = el('a', { href: await api.download(path, name), download: name })
    link.click()
  }
  const facts = [message.media_mime_type?.split('/')[1]?.slice(0, 12).toUpperCase(), bytes(message.media_size)]
  return el(
    'button',
    { type: 'button', class: 'file', onclick: save, 'aria-label': `Save ${name}` },
    el('span', { class: 'icon', 'aria-hidden': 'true' }, '📄'),
    el('span', {}, el('bdi', {}, name), el('small', {}, facts.filter(Boolean).join(' · '))),
  )
}

function sourced<E extends HTMLImageElement | HTMLMediaElement>(api: Api, element: E, path: string): E {
  api.address(path).then(
    (address) => (element.src = address),
    () => element.replaceWith(el('div', { class: 'file waiting' }, 'The file is not there any more')),
  )
  return element
}
