// Beside the thread: who it is, who takes care of it, tags and notes.
import type { Api, Member } from './api'
import { el, fill } from './dom'
import { clock, dayName, dayOf } from './format'
import type { ConversationWithDetails } from './shapes'

interface ContactActions {
  changed: () => void
  fail: (reason: unknown) => void
  close: () => void
}

export class ContactPanel {
  readonly element: HTMLElement
  private readonly body = el('div', { class: 'scroll' })
  private shown = ''

  constructor(
    private readonly api: Api,
    private readonly act: ContactActions,
  ) {
    const close = el('button', { type: 'button', 'aria-label': 'Close', onclick: act.close }, '✕')
    const title = el('h2', { class: 'who' }, 'Contact')
    this.element = el(
      'aside',
      { class: 'contact', 'aria-label': 'Contact', hidden: true },
      el('header', {}, title, close),
    )
    this.element.append(this.body)
  }

  show(conversation: ConversationWithDetails, members: Member[], me: string): void {
    const { contact, assigned_to, connection, id } = conversation
    // Nothing is drawn anew under somebody's fingers, only because a message came.
    const signature = JSON.stringify([id, contact, assigned_to, connection, members])
    if (signature === this.shown) return
    this.shown = signature
    fill(
      this.body,
      el('h3', { dir: 'auto' }, conversation.title),
      el('p', {}, conversation.phone ?? conversation.bsuid ?? ''),
      contact?.marketing_opted_out_at && el('p', { class: 'trouble' }, 'Wants no marketing messages'),
      this.assignment(conversation, members, me),
      ...(contact
        ? [this.name(contact), this.tags(contact), ...this.attributes(contact), ...this.notes(conversation)]
        : []),
      el('h4', {}, 'Number'),
      el('p', {}, `${connection.display_phone_number ?? conversation.phone_number_id} (${connection.provider})`),
    )
  }

  private assignment({ id, assigned_to }: ConversationWithDetails, members: Member[], me: string): HTMLElement {
    const choice = el('select', {})
    const label = (member: Member) => (member.user_id === me ? 'Me' : `${member.role} ${member.user_id.slice(0, 8)}`)
    choice.append(el('option', { value: '' }, 'Nobody'))
    for (const member of members) choice.append(el('option', { value: member.user_id }, label(member)))
    choice.value = assigned_to ?? ''
    choice.addEventListener('change', () => this.attempt(this.api.assign(id, choice.value || null)))
    return el('label', { class: 'field' }, 'Assigned to', choice)
  }

  private name(contact: NonNullable<ConversationWithDetails['contact']>): HTMLElement {
    const input = el('input', { value: contact.name, placeholder: contact.profile_name, dir: 'auto', maxlength: 200 })
    input.addEventListener('change', () =>
      this.attempt(this.api.saveContact(contact.id, { name: input.value.trim() || null })),
    )
    return el('label', { class: 'field' }, 'Name', input)
  }

  private tags(contact: NonNullable<ConversationWithDetails['contact']>): HTMLElement {
    const save = (tags: string[]) => this.attempt(this.api.saveContact(contact.id, { tags }))
    const chips = contact.tags.map((tag) => {
      const drop = () => save(contact.tags.filter((other) => other !== tag))
      return el(
        'span',
        { class: 'chip' },
        el('bdi', {}, tag),
        el('button', { type: 'button', 'aria-label': `Remove ${tag}`, onclick: drop }, '✕'),
      )
    })
    const input = el('input', { placeholder: 'Add a tag', 'aria-label': 'Add a tag', dir: 'auto', maxlength: 50 })
    const add = (event: Event) => {
      event.preventDefault()
      const tag = input.value.trim()
      if (tag && !contact.tags.includes(tag)) save([...contact.tags, tag])
    }
    return el('form', { class: 'field', onsubmit: add }, 'Tags', el('div', { class: 'chips' }, ...chips), input)
  }

  private attributes(contact: NonNullable<ConversationWithDetails['contact']>): HTMLElement[] {
    return Object.entries(contact.attributes).map(([name, value]) =>
      el(
        'p',
        { class: 'attribute' },
        el('small', {}, name),
        el('bdi', {}, typeof value === 'string' ? value : JSON.stringify(value)),
      ),
    )
  }

  private notes({ workspace_id, contact }: ConversationWithDetails): HTMLElement[] {
    const text = el('textarea', {
      rows: 2,
      placeholder: 'Add a note',
      'aria-label': 'Add a note',
      dir: 'auto',
      maxlength: 4000,
    })
    const add = (event: Event) => {
      event.preventDefault()
      const body = text.value.trim()
      if (body) this.attempt(this.api.addNote(workspace_id, contact!.id, body))
    }
    const form = el('form', { class: 'field', onsubmit: add }, 'Notes', text, el('button', { type: 'submit' }, 'Add'))
    const notes = contact!.notes.map(({ body, created_at }) => {
      const day = dayName(dayOf(created_at))
      return el('li', {}, el('p', { dir: 'auto' }, body), el('small', {}, `${day} ${clock(created_at)}`))
    })
    return [form, el('ul', { class: 'notes' }, ...notes)]
  }

  private attempt(work: Promise<void>): void {
    work.then(this.act.changed, (reason: unknown) => {
      this.shown = ''
      this.act.changed()
      this.act.fail(reason)
    })
  }
}
