// Choosing a template and filling in its variables.
import type { Template } from './api'
import type { TemplateComponent } from './content'
import { el, fill } from './dom'
import { bodyText, variables } from './words'

type Send = (template: Template, components: TemplateComponent[]) => Promise<void>

export function templateForm(templates: Template[], send: Send): HTMLElement {
  if (!templates.length) return el('p', {}, 'No template of this number is approved')
  const choice = el('select', { 'aria-label': 'Template' })
  for (const { id, name, language } of templates) choice.append(el('option', { value: id }, `${name} (${language})`))
  const fields = el('div', { class: 'variables' })
  const preview = el('p', { class: 'text', dir: 'auto' })
  const chosen = () => templates.find(({ id }) => id === choice.value)!
  const values = () =>
    [...fields.querySelectorAll('input')].map((input) => ({ name: input.name, text: input.value.trim() }))

  function look(): void {
    preview.textContent = values().reduce(
      (text, { name, text: value }) => text.replaceAll(`{{${name}}}`, value || `{{${name}}}`),
      bodyText(chosen()),
    )
  }
  function change(): void {
    const inputs = variables(chosen()).map((name) =>
      el('label', {}, `{{${name}}} `, el('input', { name, required: true, dir: 'auto', oninput: look })),
    )
    fill(fields, ...inputs)
    look()
  }
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const button = event.submitter as HTMLButtonElement
    button.disabled = true
    await send(chosen(), bodyOf(values()))
    button.disabled = false
  }

  choice.addEventListener('change', change)
  change()
  const button = el('button', { type: 'submit', class: 'primary' }, 'Send template')
  return el('form', { onsubmit: submit }, choice, preview, fields, button)
}

/** Variables are numbered, or named: then each parameter says its name. */
function bodyOf(values: { name: string; text: string }[]): TemplateComponent[] {
  if (!values.length) return []
  const parameters = values.map(({ name, text }) => ({
    type: 'text',
    text,
    ...(/^\d+$/.test(name) ? {} : { parameter_name: name }),
  }))
  return [{ type: 'body', parameters }]
}
