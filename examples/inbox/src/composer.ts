// Where a message is written: text, a file, an answer to another message, and templates when the window is closed.
import type { Api, CannedReply, Draft, Template } from './api'
import type { TemplateContent } from './content'
import { el, fill } from './dom'
import { bytes, countdown } from './format'
import type { ConversationWithDetails, ThreadMessage } from './shapes'
import { templateForm } from './templates'

interface ComposerActions {
  /** To the conversation it was written for: by the time a file is there, another may be open. */
  send: (conversationId: string, draft: Draft) => Promise<void>
  fail: (reason: unknown) => void
}

/** As WhatsApp takes them; any other file goes as a document. */
const KINDS: [RegExp, 'image' | 'video' | 'audio'][] = [
  [/^image\/(jpeg|png)$/, 'image'],
  [/^video\/(mp4|3gpp)$/, 'video'],
  [/^audio\/(aac|mp4|mpeg|amr|ogg)/, 'audio'],
]

export class Composer {
  readonly element: HTMLElement
  private readonly text = el('textarea', { rows: 1, dir: 'auto', 'aria-label': 'Message', placeholder: 'Message' })
  private readonly file = el('input', { type: 'file', hidden: true })
  private readonly attach = el('button', { type: 'button', 'aria-label': 'Attach a file' }, '📎')
  private readonly canned = el('select', { 'aria-label': 'Canned replies', hidden: true })
  private readonly submit = el('button', { type: 'submit', class: 'primary', 'aria-label': 'Send' }, '➤')
  private readonly context = el('div', { class: 'context' })
  private readonly clock = el('p', { class: 'window', role: 'status' })
  private readonly templates = el('div', { class: 'templates', hidden: true })
  private readonly offer = el('button', { type: 'button', class: 'link' }, 'Send a template')
  private readonly free: HTMLFormElement
  private conversation: ConversationWithDetails | null = null
  private known: Template[] = []
  private replyTo: ThreadMessage | null = null
  private attached: File | null = null
  private sending = false
  private readonly drafts = new Map<string, string>()
  private draftOf = ''
  /** When the window closes, on this page's own clock: the browser's may be wrong. */
  private closesAt = 0

  constructor(
    private readonly api: Api,
    private readonly act: ComposerActions,
  ) {
    this.free = el('form', { class: 'free' }, this.attach, this.file, this.canned, this.text, this.submit)
    this.element = el(
      'div',
      { class: 'composer' },
      el('div', { class: 'status' }, this.clock, this.offer),
      this.templates,
    )
    this.element.append(this.context, this.free)
    this.free.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.send()
    })
    this.text.addEventListener('keydown', (event) => this.key(event))
    this.text.addEventListener('input', () => this.grow())
    this.text.addEventListener('paste', (event) => this.take(event.clipboardData?.files[0]))
    this.attach.addEventListener('click', () => this.file.click())
    this.file.addEventListener('change', () => this.take(this.file.files?.[0]))
    this.canned.addEventListener('change', () => this.insert())
    this.offer.addEventListener('click', () => this.toggleTemplates())
    setInterval(() => this.tick(), 1000)
  }

  /** Another conversation: what was being written stays with the one it was for. */
  open(conversationId: string): void {
    this.drafts.set(this.draftOf, this.text.value)
    this.draftOf = conversationId
    this.text.value = this.drafts.get(conversationId) ?? ''
    this.conversation = null
    this.free.inert = this.text.disabled = false // until it is known better: the focus is to go here
    this.templates.hidden = true
    this.forget()
    this.grow()
  }

  show(conversation: ConversationWithDetails, templates: Template[]): void {
    this.conversation = conversation
    this.known = templates
    this.closesAt = performance.now() + conversation.window_seconds_left * 1000
    this.tick()
  }

  offerReplies(replies: CannedReply[]): void {
    this.canned.hidden = replies.length === 0
    const options = replies.map(({ shortcut, body }) => el('option', { value: body }, shortcut))
    fill(this.canned, el('option', { value: '' }, '⚡'), ...options)
  }

  reply(message: ThreadMessage): void {
    this.replyTo = message
    this.tell()
    this.text.focus()
  }

  private get closed(): boolean {
    return this.closesAt <= performance.now()
  }

  private tick(): void {
    if (!this.conversation) return
    const left = (this.closesAt - performance.now()) / 1000
    const [closed, was] = [left <= 0, this.free.inert]
    this.clock.textContent = closed
      ? 'The 24 hours after the customer’s last message are over: only templates may be sent'
      : `Open for ${countdown(left)}`
    this.element.classList.toggle('closed', closed)
    // A form that is inert takes no key and no click, and what is in it stays.
    this.free.inert = closed
    this.text.disabled = this.submit.disabled = this.attach.disabled = closed || this.sending
    if (closed !== was && closed) this.forget()
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && (this.replyTo || this.attached)) {
      event.stopPropagation()
      this.forget()
    }
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void this.send()
  }

  private take(file: File | undefined): void {
    if (!file) return
    this.attached = file
    this.tell()
    this.text.focus()
  }

  private insert(): void {
    this.text.setRangeText(this.canned.value, this.text.selectionStart, this.text.selectionEnd, 'end')
    this.canned.value = ''
    this.grow()
    this.text.focus()
  }

  /** What the next message takes along. */
  private tell(): void {
    const drop = el('button', { type: 'button', 'aria-label': 'Remove', onclick: () => this.forget() }, '✕')
    const quoted = this.replyTo && `↩ ${this.replyTo.type === 'text' ? this.replyTo.content.body : this.replyTo.type}`
    const file = this.attached && `📎 ${this.attached.name} (${bytes(this.attached.size)})`
    const lines = [quoted, file].filter((line): line is string => !!line)
    fill(this.context, ...lines.map((line) => el('span', { dir: 'auto' }, line)), lines.length > 0 && drop)
  }

  private forget(): void {
    this.replyTo = null
    this.attached = null
    this.file.value = ''
    this.tell()
  }

  private grow(): void {
    this.text.style.height = 'auto'
    // Two for the borders, which the scroll height leaves out.
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 160)}px`
  }

  private async send(): Promise<void> {
    const { conversation, replyTo } = this
    const body = this.text.value.trim()
    if (!conversation || this.sending || this.closed || (!body && !this.attached)) return
    this.busy(true)
    try {
      const content = this.attached
        ? await this.filed(conversation.workspace_id, this.attached, body)
        : ({ type: 'text', content: { body } } as const)
      await this.act.send(conversation.id, { ...content, ...(replyTo && { reply_to_wamid: replyTo.wamid }) })
      if (content.type === 'audio' && body) {
        // A sound has no caption at WhatsApp: what was written goes behind it. If that fails, the sound is gone out.
        if (this.conversation?.id === conversation.id) this.forget()
        await this.act.send(conversation.id, { type: 'text', content: { body } })
      }
      this.clear(conversation.id)
    } catch (reason) {
      this.act.fail(reason)
    } finally {
      this.busy(false)
      this.text.focus()
    }
  }

  private clear(conversationId: string): void {
    this.drafts.delete(conversationId)
    if (this.draftOf !== conversationId) return
    this.text.value = ''
    this.forget()
    this.grow()
  }

  private async filed(workspaceId: string, file: File, caption: string): Promise<Draft> {
    const path = await this.api.upload(workspaceId, file)
    const type = KINDS.find(([pattern]) => pattern.test(file.type))?.[1] ?? 'document'
    const said = caption && type !== 'audio' ? { caption } : {}
    return { type, content: { path, ...said, ...(type === 'document' && { filename: file.name }) } }
  }

  private busy(sending: boolean): void {
    this.sending = sending
    this.tick()
  }

  private toggleTemplates(): void {
    const { conversation } = this
    this.templates.hidden = !this.templates.hidden || !conversation
    if (this.templates.hidden || !conversation) return
    const language = (template: Template): TemplateContent['language'] => ({ code: template.language })
    fill(
      this.templates,
      templateForm(this.known, async (template, components) => {
        try {
          const content = { name: template.name, language: language(template), components }
          await this.act.send(conversation.id, { type: 'template', content })
          this.templates.hidden = true
        } catch (reason) {
          this.act.fail(reason)
        }
      }),
    )
    this.templates.querySelector('select')?.focus()
  }
}
