import './styles/base.css'
import './styles/panes.css'
import './styles/thread.css'
import { Api } from './api'
import { readConfig, type Config } from './config'
import { fill } from './dom'
import { Inbox } from './inbox'
import { signIn } from './signin'

const page = document.querySelector('#app')!

async function enter(api: Api, config: Config): Promise<void> {
  const me = await api.userId()
  if (!me) {
    fill(
      page,
      signIn(api, config, () => void enter(api, config)),
    )
    return
  }
  const inbox = new Inbox(api, me, () => {
    inbox.stop()
    void api.signOut().then(() => enter(api, config))
  })
  fill(page, inbox.element)
  await inbox.start()
}

readConfig()
  .then((config) => enter(new Api(config), config))
  .catch((reason: unknown) => fill(page, `The inbox could not start: ${String(reason)}`))
