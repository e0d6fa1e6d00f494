// Beside the thread: who it is, who takes care of it, tags and notes.
import type { Api, Member } from './api'
import { el, fill, reconcile } from './dom'
import { clock, dayName, dayOf, dialled } from './format'
import type { ConversationWithDetails } from './shapes'

type Contact = NonNullable<ConversationWithDetails['contact']>

interface ContactActions {
  changed: () => void
  fail: (reason: unknown) => void
  close: () => void
}

export class ContactPanel {
  readonly element: HTMLElement
  private readonly body = el('div', { class: 'scroll' })

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

  /** Part by part: nothing is drawn anew under somebody's fingers, only because something else has changed. */
  show(conversation: ConversationWithDetails, members: Member[], me: string): void {
    const { contact, assigned_to, connection, id, title, phone, bsuid, phone_number_id: number } = conversation
    const part = (name: string, data: unknown, render: () => HTMLElement) => ({
      key: `${id} ${name}`,
      signature: JSON.stringify(data),
      render,
    })
    const ours = `${connection.display_phone_number ?? number} (${connection.provider})`
    reconcile(this.body, [
      part('title', [title, phone], () => this.who(title, phone ? dialled(phone) : (bsuid ?? ''))),
      part('assignment', [assigned_to, members], () => this.assignment(conversation, members, me)),
      ...(contact
        ? [
            part('consent', contact.marketing_opted_out_at, () => this.consent(contact)),
            part('name', [contact.name, contact.profile_name], () => this.name(contact)),
            part('tags', contact.tags, () => this.tags(contact)),
            part('attributes', contact.attributes, () => this.attributes(contact)),
            part('notes', contact.notes, () => this.notes(conversation.workspace_id, contact)),
          ]
        : []),
      part('number', ours, () => el('div', {}, el('h4', {}, 'Number'), el('p', {}, ours))),
    ])
  }

  private who(title: string, id: string): HTMLElement {
    return el('div', {}, el('h3', { dir: 'auto' }, title), el('p', {}, id))
  }

  private consent(contact: Contact): HTMLElement {
    return el('p', { class: 'trouble' }, contact.marketing_opted_out_at && 'Wants no marketing messages')
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

  private name(contact: Contact): HTMLElement {
    const input = el('input', { value: contact.name, placeholder: contact.profile_name, dir: 'auto', maxlength: 200 })
    input.addEventListener('change', () =>
      this.attempt(this.api.saveContact(contact.id, { name: input.value.trim() || null })),
    )
    return el('label', { class: 'field' }, 'Name', input)
  }

  private tags(contact: Contact): HTMLElement {
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

  private attributes(contact: Contact): HTMLElement {
    const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
    const lines = Object.entries(contact.attributes).map(([name, value]) =>
      el('p', { class: 'attribute' }, el('small', {}, name), el('bdi', {}, text(value))),
    )
    return el('div', {}, ...lines)
  }

  private notes(workspaceId: string, contact: Contact): HTMLElement {
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
      if (body) this.attempt(this.api.addNote(workspaceId, contact.id, body))
    }
    const form = el('form', { class: 'field', onsubmit: add }, 'Notes', text, el('button', { type: 'submit' }, 'Add'))
    const notes = contact.notes.map(({ body, created_at }) => {
      const day = dayName(dayOf(created_at))
      return el('li', {}, el('p', { dir: 'auto' }, body), el('small', {}, `${day} ${clock(created_at)}`))
    })
    return el('div', {}, form, el('ul', { class: 'notes' }, ...notes))
  }

  private attempt(work: Promise<void>): void {
    work.then(this.act.changed, (reason: unknown) => {
      fill(this.body) // what was chosen is not what is
      this.act.changed()
      this.act.fail(reason)
    })
  }
}
