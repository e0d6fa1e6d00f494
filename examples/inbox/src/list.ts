// The list of conversations, its search and its filters.
import { el, fill, reconcile } from './dom'
import { initials, when } from './format'
import type { ConversationFilters, ConversationListItem, ConversationStats } from './shapes'

interface ListActions {
  open: (conversationId: string) => void
  filter: (filters: ConversationFilters) => void
  more: () => void
}

const SEARCH_PAUSE = 250

export class ConversationList {
  readonly element: HTMLElement
  private readonly items = el('ul', { class: 'conversations', 'aria-label': 'Conversations' })
  private readonly empty = el('p', { class: 'empty', hidden: true }, 'No conversations here')
  private readonly older = el('button', { type: 'button', class: 'more', hidden: true }, 'Show more')
  private readonly totals = el('p', { class: 'totals', role: 'status' })
  private readonly search = el('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search', dir: 'auto' })
  private readonly chosen = el('select', { 'aria-label': 'Status' })
  private readonly unread = el('input', { type: 'checkbox' })
  private readonly mine = el('input', { type: 'checkbox' })

  constructor(private readonly act: ListActions) {
    for (const status of ['open', 'archived', 'all']) this.chosen.append(el('option', { value: status }, status))
    this.chosen.addEventListener('change', () => this.filter())
    this.unread.addEventListener('change', () => this.filter())
    this.mine.addEventListener('change', () => this.filter())
    let pause = 0
    this.search.addEventListener('input', () => {
      clearTimeout(pause)
      pause = window.setTimeout(() => this.filter(), SEARCH_PAUSE)
    })
    this.older.addEventListener('click', () => act.more())
    this.items.addEventListener('keydown', (event) => this.move(event))
    const filters = [this.chosen, this.box(this.unread, 'Unread'), this.box(this.mine, 'Mine')]
    this.element = el(
      'section',
      { class: 'list', 'aria-label': 'Inbox' },
      el('div', { class: 'search' }, this.search, el('div', { class: 'filters' }, ...filters)),
      el('div', { class: 'scroll' }, this.items, this.empty, this.older),
      this.totals,
    )
  }

  show(rows: ConversationListItem[], selected: string | null, me: string, more: boolean): void {
    reconcile(
      this.items,
      rows.map((row) => ({
        key: row.id,
        signature: JSON.stringify([{ ...row, window_seconds_left: 0 }, row.id === selected, when(row.last_message_at)]),
        render: () => this.row(row, row.id === selected, me),
      })),
    )
    this.empty.hidden = rows.length > 0
    this.older.hidden = !more
  }

  count(stats: ConversationStats | null): void {
    const { unread, total, archived, window_closed: closed } = stats ?? {}
    fill(this.totals, stats && `${unread} unread · ${total} in all · ${archived} archived · ${closed} windows closed`)
    document.title = unread ? `(${unread}) Inbox` : 'Inbox'
  }

  focusSearch(): void {
    this.search.focus()
    this.search.select()
  }

  focusSelected(): void {
    this.items.querySelector<HTMLElement>('[aria-current=true]')?.focus()
  }

  private row(row: ConversationListItem, selected: boolean, me: string): HTMLElement {
    const preview = `${row.last_message_direction === 'outbound' ? 'You: ' : ''}${row.last_message_preview ?? ''}`
    return el(
      'li',
      {},
      el(
        'button',
        { type: 'button', 'aria-current': String(selected), onclick: () => this.act.open(row.id) },
        el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(row.title)),
        el('bdi', { class: 'title' }, row.title),
        el('time', {}, when(row.last_message_at)),
        el('span', { class: 'preview', dir: 'auto' }, preview),
        el(
          'span',
          { class: 'marks' },
          row.assigned_to &&
            el('span', { class: 'mark', title: 'assigned' }, row.assigned_to === me ? 'mine' : 'taken'),
          !row.is_window_open && el('span', { class: 'mark', title: 'The 24 hours are over' }, 'closed'),
          row.unread_count > 0 &&
            el('span', { class: 'badge', 'aria-label': `${row.unread_count} unread` }, `${row.unread_count}`),
        ),
      ),
    )
  }

  private box(input: HTMLInputElement, text: string): HTMLElement {
    return el('label', { class: 'chip' }, input, text)
  }

  /** A search needs two characters: with fewer there is none. */
  private filter(): void {
    const search = this.search.value.trim().slice(0, 100)
    this.act.filter({
      status: this.chosen.value as 'open',
      ...(search.length >= 2 && { search }),
      ...(this.unread.checked && { unread: true }),
      ...(this.mine.checked && { assignee: 'me' }),
    })
  }

  /** Arrow keys go from conversation to conversation. */
  private move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const buttons = [...this.items.querySelectorAll('button')]
    buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus()
  }
}
