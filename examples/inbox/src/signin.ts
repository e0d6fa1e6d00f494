// The way in.
import type { Api } from './api'
import type { Config } from './config'
import { el } from './dom'

export function signIn(api: Api, config: Config, done: () => void): HTMLElement {
  const email = el('input', {
    type: 'email',
    name: 'email',
    required: true,
    autocomplete: 'username',
    value: config.email,
  })
  const password = el('input', { type: 'password', name: 'password', required: true, autocomplete: 'current-password' })
  password.value = config.password ?? ''
  const button = el('button', { type: 'submit', class: 'primary' }, 'Sign in')
  const refusal = el('p', { class: 'trouble', role: 'alert' })

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    button.disabled = true
    try {
      await api.signIn(email.value, password.value)
      done()
    } catch (reason) {
      refusal.textContent = (reason as Error).message
      button.disabled = false
    }
  }

  return el(
    'form',
    { class: 'signin', onsubmit: submit },
    el('h1', {}, 'Wabase inbox'),
    el('label', { class: 'field' }, 'E-mail', email),
    el('label', { class: 'field' }, 'Password', password),
    button,
    refusal,
  )
}
