// The messages of one conversation, oldest above, a line between days, and the composer below.
import type { Api, CannedReply, Draft, Template } from './api'
import { bubble, type BubbleActions } from './bubble'
import { Composer } from './composer'
import { el, fill, reconcile, type Keyed } from './dom'
import { dayName, dayOf, dialled } from './format'
import type { ConversationWithDetails, ThreadMessage } from './shapes'

interface ThreadActions {
  fail: (reason: unknown) => void
  changed: () => void
  back: () => void
  details: () => void
}

const PAGE = 50
const MOST = 200
const NEAR_BOTTOM = 80

export class Thread {
  readonly element: HTMLElement
  private readonly title = el('bdi', { class: 'title' })
  private readonly phone = el('small')
  private readonly archive = el('button', { type: 'button' })
  private readonly messages = el('ol', { class: 'messages', 'aria-label': 'Messages', role: 'log' })
  private readonly earlier = el('button', { type: 'button', class: 'more', hidden: true }, 'Earlier messages')
  private readonly scroll: HTMLElement
  private readonly composer: Composer
  private conversation: ConversationWithDetails | null = null
  private rows: ThreadMessage[] = []
  private templates: Template[] = []

  constructor(
    private readonly api: Api,
    private readonly act: ThreadActions,
  ) {
    this.composer = new Composer(api, { send: (id, draft) => this.send(id, draft), fail: act.fail })
    const back = el(
      'button',
      { type: 'button', class: 'back', 'aria-label': 'Back to the list', onclick: act.back },
      '‹',
    )
    const details = el('button', { type: 'button', onclick: act.details }, 'Contact')
    this.archive.addEventListener('click', () => this.attempt(() => this.toggleArchived()))
    this.earlier.addEventListener('click', () => this.attempt(() => this.loadEarlier()))
    this.scroll = el('div', { class: 'scroll', tabindex: 0 }, this.earlier, this.messages)
    this.element = el(
      'section',
      { class: 'thread', 'aria-label': 'Conversation', hidden: true },
      el('header', {}, back, el('div', { class: 'who' }, this.title, this.phone), this.archive, details),
      this.scroll,
      this.composer.element,
    )
    // Pictures come after their message: whoever is at the bottom stays there.
    this.scroll.addEventListener('load', () => this.stick(this.atBottom(400)), true)
  }

  offerReplies(replies: CannedReply[]): void {
    this.composer.offerReplies(replies)
  }

  /** Another conversation, or none. What was read of the last one is forgotten. */
  open(conversationId: string | null): void {
    this.conversation = null
    this.rows = []
    this.element.hidden = conversationId === null
    fill(this.title)
    fill(this.phone)
    reconcile(this.messages, [])
    this.composer.open(conversationId ?? '')
  }

  /** Reads it anew. `current` says whether it is still the one to be shown when the answer comes. */
  async read(conversationId: string, current: () => boolean): Promise<ConversationWithDetails | null> {
    const limit = Math.min(MOST, Math.max(PAGE, this.rows.length))
    const [conversation, page] = await Promise.all([
      this.api.conversation(conversationId),
      this.api.messages(conversationId, limit),
    ])
    if (!current()) return null
    if (conversation && conversation.connection_id !== this.conversation?.connection_id) {
      this.templates = await this.api.templates(conversation.connection_id)
      if (!current()) return null
    }
    this.merge(page, limit)
    if (conversation) this.show(conversation)
    return conversation
  }

  focusComposer(): void {
    this.element.querySelector('textarea')?.focus()
  }

  /** The newest page over what was there before it; without overlap something lies between, so the old pages go. */
  private merge(page: ThreadMessage[], limit: number): void {
    const fresh = new Set(page.map(({ id }) => id))
    const oldest = page.at(-1)
    const at = oldest ? this.rows.findIndex(({ id }) => id === oldest.id) : -1
    const before = at < 0 ? [] : this.rows.slice(0, at).filter(({ id }) => !fresh.has(id))
    this.rows = [...before, ...page.reverse()]
    if (at < 0) this.earlier.hidden = page.length < limit
  }

  private async loadEarlier(): Promise<void> {
    const { conversation, rows } = this
    if (!conversation || !rows[0]) return
    const page = await this.api.messages(conversation.id, PAGE, rows[0].id)
    if (this.conversation?.id !== conversation.id || this.rows[0]?.id !== rows[0].id) return
    this.earlier.hidden = page.length < PAGE
    this.rows = [...page.reverse(), ...this.rows]
    const fromBottom = this.scroll.scrollHeight - this.scroll.scrollTop
    this.draw()
    this.scroll.scrollTop = this.scroll.scrollHeight - fromBottom
  }

  private show(conversation: ConversationWithDetails): void {
    const first = this.conversation?.id !== conversation.id
    this.conversation = conversation
    fill(this.title, conversation.title)
    const { phone, title } = conversation
    fill(this.phone, phone && phone !== title && dialled(phone))
    this.archive.textContent = conversation.status === 'archived' ? 'Reopen' : 'Archive'
    this.composer.show(conversation, this.templates)
    const stick = first || this.atBottom(NEAR_BOTTOM)
    this.draw()
    this.stick(stick)
  }

  private draw(): void {
    const items: Keyed[] = []
    let day = 0
    for (const message of this.rows) {
      const its = dayOf(message.occurred_at)
      if (its !== day) items.push(separator(its))
      day = its
      items.push({
        key: message.id,
        signature: JSON.stringify([message, this.templates.length]),
        render: () => bubble(this.api, message, this.templates, !!this.conversation?.group_id, this.actions),
      })
    }
    reconcile(this.messages, items)
  }

  private readonly actions: BubbleActions = {
    reply: (message) => this.composer.reply(message),
    react: (message, emoji) =>
      this.attempt(() =>
        this.send(this.conversation!.id, { type: 'reaction', content: { message_id: message.wamid!, emoji } }),
      ),
    attempt: (work) => this.attempt(work),
    explain: (message, into) =>
      this.attempt(async () => {
        const { reason, until } = await this.api.explain(message.id)
        const then = until ? ` until ${new Date(until).toLocaleString()}` : ''
        into.textContent = ` ${reason ?? 'It is on its way'}${then}`
      }),
  }

  private async send(conversationId: string, draft: Draft): Promise<void> {
    await this.api.send(conversationId, draft)
    this.stick(this.conversation?.id === conversationId)
    this.act.changed()
  }

  private async toggleArchived(): Promise<void> {
    if (!this.conversation) return
    await this.api.archive(this.conversation.id, this.conversation.status === 'open')
  }

  private attempt(work: () => Promise<unknown>): void {
    work().then(this.act.changed, this.act.fail)
  }

  private atBottom(slack: number): boolean {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < slack
  }

  private stick(wanted: boolean): void {
    if (wanted) this.scroll.scrollTop = this.scroll.scrollHeight
  }
}

function separator(day: number): Keyed {
  const name = dayName(day)
  return { key: `day-${day}`, signature: name, render: () => el('li', { class: 'day' }, el('span', {}, name)) }
}
