// The demo's other pane: the customer's phone. It knows the simulated WhatsApp's control interface, nothing of Wabase.
import './styles/base.css'
import './styles/thread.css'
import './styles/panes.css'
import { readConfig, type Config } from './config'
import { el, fill, reconcile } from './dom'
import { clock } from './format'
import { chat, type Line, type Posted, type Sent } from './phone_lines'

const LOOK_MS = 700
const LIMIT = 200

async function control<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(`_control/${path}`, init)
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as T
}

class Phone {
  readonly element: HTMLElement
  private readonly who = el('select', { 'aria-label': 'Customer' })
  private readonly lines = el('ol', { class: 'messages', role: 'log', 'aria-label': 'Chat' })
  private readonly scroll = el('div', { class: 'scroll', tabindex: 0 }, this.lines)
  private readonly text = el('input', { dir: 'auto', placeholder: 'Message', 'aria-label': 'Message' })
  private readonly file = el('input', { type: 'file', hidden: true })
  private readonly trouble = el('p', { class: 'trouble', role: 'alert' })
  private replyTo: string | null = null
  private shown = ''

  constructor(private readonly config: Config) {
    for (const { name, phone } of config.customers ?? []) this.who.append(el('option', { value: phone }, name))
    this.who.addEventListener('change', () => void this.look())
    this.file.addEventListener('change', () => this.attempt(() => this.sendFile()))
    const attach = el(
      'button',
      { type: 'button', 'aria-label': 'Attach a file', onclick: () => this.file.click() },
      '📎',
    )
    const submit = (event: Event) => {
      event.preventDefault()
      this.attempt(() => this.sendText())
    }
    const send = el('button', { type: 'submit', class: 'primary', 'aria-label': 'Send' }, '➤')
    const form = el('form', { class: 'free', onsubmit: submit }, attach, this.file, this.text, send)
    const header = el('header', {}, el('span', {}, '📱'), this.who, el('small', {}, 'simulated WhatsApp'))
    this.element = el(
      'section',
      { class: 'phone' },
      header,
      this.scroll,
      el('div', { class: 'composer' }, this.trouble, form),
    )
  }

  /** A phone that is looked at: it asks again and again, and stops while nobody sees it. */
  async run(): Promise<never> {
    for (;;) {
      if (document.visibilityState === 'visible') await this.look().catch((reason: unknown) => this.tell(reason))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  private async look(): Promise<void> {
    const customer = this.who.value
    const number = `phone_number_id=${this.config.phoneNumberId}&limit=${LIMIT}`
    const [posted, answers] = await Promise.all([
      control<{ deliveries: Posted[] }>(`deliveries?${number}`),
      control<{ sent: Sent[] }>(`sent?${number}&to=${customer}`),
    ])
    if (customer !== this.who.value) return
    const lines = chat(posted.deliveries, answers.sent, customer)
    const signature = JSON.stringify(lines)
    if (signature === this.shown) return
    this.shown = signature
    const items = lines.map((line) => ({
      key: line.id,
      signature: JSON.stringify(line),
      render: () => this.line(line),
    }))
    reconcile(this.lines, items)
    this.scroll.scrollTop = this.scroll.scrollHeight
  }

  private line(line: Line): HTMLElement {
    const own = line.own ? 'outbound' : 'inbound'
    const react = () =>
      this.attempt(() => this.post({ type: 'reaction', reaction: { message_id: line.id, emoji: '❤️' } }))
    const reply = () => {
      this.replyTo = line.id
      this.text.placeholder = `Reply to: ${line.text.slice(0, 40)}`
      this.text.focus()
    }
    return el(
      'li',
      { class: `message ${own}` },
      el(
        'div',
        { class: 'bubble' },
        el('p', { class: 'text', dir: 'auto' }, line.text),
        el('footer', {}, el('time', {}, clock(new Date(line.at * 1000).toISOString()))),
        line.reactions.length > 0 &&
          el('div', { class: 'reactions' }, ...line.reactions.map((emoji) => el('span', {}, emoji))),
      ),
      !line.own &&
        el(
          'div',
          { class: 'tools' },
          el('button', { type: 'button', 'aria-label': 'Reply', onclick: reply }, '↩'),
          el('button', { type: 'button', 'aria-label': 'React with a heart', onclick: react }, '❤️'),
        ),
    )
  }

  private async sendText(): Promise<void> {
    const body = this.text.value.trim()
    if (!body) return
    await this.post({ type: 'text', text: { body }, ...(this.replyTo && { context: { id: this.replyTo } }) })
    this.text.value = ''
    this.text.placeholder = 'Message'
    this.replyTo = null
  }

  private async sendFile(): Promise<void> {
    const file = this.file.files?.[0]
    if (!file) return
    const type = /^(image|video|audio)\//.exec(file.type)?.[1] ?? 'document'
    const query = new URLSearchParams({
      phone_number_id: this.config.phoneNumberId ?? '',
      mime_type: file.type || 'application/octet-stream',
    })
    const { id } = await control<{ id: string }>(`media?${query}`, { method: 'POST', body: file })
    await this.post({ type, [type]: { id, ...(type === 'document' && { filename: file.name }) } })
    this.file.value = ''
  }

  private async post(message: object): Promise<void> {
    const customer = this.config.customers?.find(({ phone }) => phone === this.who.value)
    const body = {
      phone_number_id: this.config.phoneNumberId,
      from: this.who.value,
      profile_name: customer?.name,
      message,
    }
    const headers = { 'Content-Type': 'application/json' }
    await control('inbound', { method: 'POST', headers, body: JSON.stringify(body) })
    await this.look()
  }

  private attempt(work: () => Promise<void>): void {
    work().then(
      () => fill(this.trouble),
      (reason: unknown) => this.tell(reason),
    )
  }

  private tell(reason: unknown): void {
    fill(this.trouble, String(reason))
  }
}

void readConfig().then((config) => {
  const phone = new Phone(config)
  fill(document.querySelector('#app')!, phone.element)
  return phone.run()
})
