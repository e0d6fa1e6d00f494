import './styles/base.css'
import './styles/thread.css'
import './styles/panes.css'
import { Api } from './api'
import { readConfig, type Config } from './config'
import { fill } from './dom'
import { Inbox } from './inbox'
import { signIn } from './signin'

const page = document.querySelector('#app')!

/** Signed in or not: the page follows the session, wherever it was ended. */
async function show(api: Api, config: Config): Promise<void> {
  const me = await api.userId()
  if (!me) return ask(api, config)
  const inbox = new Inbox(api, me, () => void api.signOut())
  api.onSignedOut(() => {
    inbox.stop()
    // Without a look at the session: what another tab has removed may be seen here for a moment longer.
    ask(api, config)
  })
  fill(page, inbox.element)
  inbox.start()
}

function ask(api: Api, config: Config): void {
  fill(
    page,
    signIn(api, config, () => void show(api, config).catch(fail)),
  )
}

function fail(reason: unknown): void {
  fill(page, `The inbox could not start: ${reason instanceof Error ? reason.message : String(reason)}`)
}

readConfig()
  .then((config) => show(new Api(config), config))
  .catch(fail)
