// The signed-in page: what is shown, when it is read, and how its three parts come together.
import { Refused, type Api, type Member, type Workspace } from './api'
import { ContactPanel } from './contact'
import { el, fill } from './dom'
import { ConversationList } from './list'
import { coalesced, listen, type Connection } from './live'
import type { ConversationFilters, ConversationListItem, ConversationWithDetails } from './shapes'
import { Thread } from './thread'

const PAGE = 50
const BANNER_SECONDS = 8
const STATES: Record<Connection, string> = { connecting: 'Connecting…', live: 'Live', lost: 'Reconnecting…' }

export class Inbox {
  readonly element: HTMLElement
  private readonly main: HTMLElement
  private readonly list: ConversationList
  private readonly thread: Thread
  private readonly contact: ContactPanel
  private readonly state = el('span', { class: 'state', role: 'status' })
  private readonly banner = el('div', { class: 'banner', role: 'alert', hidden: true })
  private readonly choice = el('select', { 'aria-label': 'Workspace' })
  private rows: ConversationListItem[] = []
  private more = false
  private filters: ConversationFilters = {}
  private selected: string | null = null
  private members: Member[] = []
  private workspace: Workspace | null = null
  private stopped = false
  private deaf: () => void = () => {}

  constructor(
    private readonly api: Api,
    private readonly me: string,
    leave: () => void,
  ) {
    const changed = () => this.refresh()
    const fail = (reason: unknown) => this.fail(reason)
    this.list = new ConversationList({
      open: (id) => this.open(id),
      filter: (filters) => this.filter(filters),
      more: () => void this.readMore().catch(fail),
    })
    const details = () => (this.contact.element.hidden = !this.contact.element.hidden)
    this.thread = new Thread(api, { fail, changed, back: () => this.open(null), details })
    this.contact = new ContactPanel(api, { fail, changed, close: details })
    this.choice.addEventListener('change', () => void this.enter(this.choice.value).catch(fail))
    const out = el('button', { type: 'button', onclick: leave }, 'Sign out')
    this.main = el('main', {}, this.list.element, this.thread.element, this.contact.element)
    this.element = el(
      'div',
      { class: 'inbox', 'data-pane': 'list' },
      el('nav', {}, el('h1', {}, 'Inbox'), this.choice, this.state, out),
      this.banner,
      this.main,
    )
    this.element.addEventListener('keydown', (event) => this.key(event))
  }

  start(): void {
    this.begin().catch((reason: unknown) => this.fail(reason))
  }

  stop(): void {
    this.stopped = true
    this.deaf()
  }

  private async begin(): Promise<void> {
    const workspaces = await this.api.workspaces()
    for (const { id, name } of workspaces) this.choice.append(el('option', { value: id }, name))
    this.choice.hidden = workspaces.length < 2
    if (workspaces[0]) await this.enter(workspaces[0].id, workspaces)
    else fill(this.main, el('p', { class: 'empty' }, 'You belong to no workspace yet: somebody has to invite you'))
  }

  private async enter(workspaceId: string, known?: Workspace[]): Promise<void> {
    this.deaf()
    this.open(null)
    this.rows = []
    const workspace = (known ?? (await this.api.workspaces())).find(({ id }) => id === workspaceId) ?? null
    // By now another may have been chosen.
    if (this.stopped || this.choice.value !== workspaceId) return
    this.workspace = workspace
    this.deaf()
    this.deaf = listen(this.api.client, workspaceId, {
      onChange: () => this.refresh(),
      onConnection: (state) => {
        this.state.textContent = STATES[state]
        this.state.dataset['state'] = state
      },
    })
    const [members, replies] = await Promise.all([
      this.api.members(workspaceId),
      this.api.cannedReplies(workspaceId),
      this.readAll(),
    ])
    if (this.workspace !== workspace) return
    this.members = members
    this.thread.offerReplies(replies)
  }

  private refresh(): void {
    this.readAll().catch((reason: unknown) => this.fail(reason))
  }

  /** No member any more, or the workspace is gone: so is what the page shows of it. */
  private removed(): void {
    this.deaf()
    this.workspace = null
    this.rows = []
    this.open(null)
    this.list.count(null)
    fill(this.choice)
    this.say('You are no member of that workspace any more')
    this.start()
  }

  private readonly readAll = coalesced(async () => {
    await Promise.all([this.readList(), this.readThread()])
  })

  /** As many rows as were shown, from the top: whatever moved is in its place. */
  private async readList(): Promise<void> {
    const { workspace, filters } = this
    if (!workspace) return
    const wanted = Math.max(PAGE, this.rows.length)
    const current = () => this.workspace === workspace && this.filters === filters
    try {
      const both = [this.rowsOf(workspace.id, filters, wanted), this.api.stats(workspace.id)] as const
      const [{ rows, full }, stats] = await Promise.all(both)
      if (!current()) return
      this.take(rows, full)
      this.list.count(stats)
    } catch (reason) {
      if (!(reason instanceof Refused && reason.code === 'WA004')) throw reason
      if (this.workspace === workspace) this.removed()
    }
  }

  private async rowsOf(workspaceId: string, filters: ConversationFilters, wanted: number) {
    const rows: ConversationListItem[] = []
    let full = true
    while (full && rows.length < wanted) {
      const cursor = rows.at(-1)?.cursor
      const limit = Math.min(200, wanted - rows.length)
      const page = await this.api.conversations(workspaceId, { ...filters, limit, ...(cursor && { cursor }) })
      rows.push(...page)
      full = page.length === limit
    }
    return { rows, full }
  }

  private async readMore(): Promise<void> {
    const { workspace, filters, rows } = this
    const cursor = rows.at(-1)?.cursor
    if (!workspace || !cursor) return
    const page = await this.api.conversations(workspace.id, { ...filters, limit: PAGE, cursor })
    if (this.rows === rows) this.take([...rows, ...page], page.length === PAGE)
  }

  private take(rows: ConversationListItem[], more: boolean): void {
    // A row that moved up while pages were read is in two of them.
    this.rows = [...new Map(rows.map((row) => [row.id, row])).values()]
    this.more = more
    this.list.show(this.rows, this.selected, this.me, this.more)
  }

  private async readThread(): Promise<void> {
    const { selected } = this
    if (!selected) return
    const current = () => this.selected === selected
    try {
      const conversation = await this.thread.read(selected, current)
      if (conversation) await this.showDetails(conversation)
    } catch (reason) {
      // Deleted, or one with another thread of the same person.
      if (!(reason instanceof Refused && reason.code === 'WA004')) throw reason
      if (current()) this.open(null)
    }
  }

  private async showDetails(conversation: ConversationWithDetails): Promise<void> {
    this.contact.show(conversation, this.members, this.me)
    // Read is what somebody had before their eyes.
    if (conversation.unread_count > 0 && document.visibilityState === 'visible')
      await this.api.markAsRead(conversation.id)
  }

  private filter(filters: ConversationFilters): void {
    this.filters = filters
    this.rows = []
    this.refresh()
  }

  private open(conversationId: string | null): void {
    this.selected = conversationId
    this.element.dataset['pane'] = conversationId ? 'thread' : 'list'
    this.thread.open(conversationId)
    this.contact.element.hidden = this.contact.element.hidden || !conversationId
    this.list.show(this.rows, conversationId, this.me, this.more)
    if (!conversationId) return
    this.refresh()
    this.thread.focusComposer()
  }

  private key(event: KeyboardEvent): void {
    const typing = (event.target as HTMLElement).matches('input, textarea, select')
    if (event.key === '/' && !typing) {
      event.preventDefault()
      this.list.focusSearch()
    } else if (event.key === 'Escape' && !this.contact.element.hidden) {
      this.contact.element.hidden = true
    } else if (event.key === 'Escape' && this.selected) {
      this.list.focusSelected()
    }
  }

  private fail(reason: unknown): void {
    const code = reason instanceof Refused && reason.code ? ` (${reason.code})` : ''
    this.say(`${reason instanceof Error ? reason.message : String(reason)}${code}`)
  }

  private hiding = 0
  private say(text: string): void {
    fill(this.banner, text)
    this.banner.hidden = false
    clearTimeout(this.hiding)
    this.hiding = window.setTimeout(() => (this.banner.hidden = true), BANNER_SECONDS * 1000)
  }
}
