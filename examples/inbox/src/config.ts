// Which project to talk to: `config.json` beside the page, so that one build serves any project.

export interface Config {
  supabaseUrl: string
  /** The anon or publishable key: row level security decides what it opens. */
  supabaseKey: string
  /** The demo's: who to sign in as, and whose phones the other pane plays. */
  email?: string
  password?: string
  phoneNumberId?: string
  customers?: { name: string; phone: string }[]
}

export async function readConfig(): Promise<Config> {
  const answer = await fetch('config.json')
  if (!answer.ok) throw new Error(`config.json: ${answer.status} ${answer.statusText}`)
  return (await answer.json()) as Config
}
