// Realtime as a doorbell: an event says that there is something to look at, and what is shown is always read.
import type { Client } from './api'

export type Connection = 'connecting' | 'live' | 'lost'

interface Listener {
  /** Something changed, or may have while nobody listened: read it all again. */
  onChange: () => void
  onConnection: (state: Connection) => void
}

/** Until the returned function is called. The library reconnects by itself; what came meanwhile is not repeated. */
export function listen(client: Client, workspaceId: string, { onChange, onConnection }: Listener): () => void {
  const filter = `workspace_id=eq.${workspaceId}`
  onConnection('connecting')
  const channel = client
    .channel(`inbox:${workspaceId}`)
    .on('postgres_changes', { event: '*', schema: 'public', table: 'conversations', filter }, onChange)
    .on('postgres_changes', { event: '*', schema: 'public', table: 'messages', filter }, onChange)
    // The channel is joined before the database's changes flow: only this says that nothing is missed from now on.
    .on('system', {}, (message: { extension?: string; status?: string }) => {
      if (message.extension !== 'postgres_changes' || message.status !== 'ok') return
      onConnection('live')
      onChange()
    })
    .subscribe((state) => {
      if (state === 'SUBSCRIBED') onChange()
      else onConnection('lost')
    })
  // A laptop that wakes up finds out by its socket's timeout: too late for whoever looks.
  const look = () => document.visibilityState === 'visible' && onChange()
  document.addEventListener('visibilitychange', look)
  window.addEventListener('online', look)
  return () => {
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('online', look)
    void client.removeChannel(channel)
  }
}

/** `work`, never twice at once: asked for while it runs, it runs once more, also when it fails, however often. */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let again = false
  async function run(): Promise<void> {
    do {
      again = false
      await work().catch((reason: unknown) => {
        if (!again) throw reason
      })
    } while (again)
  }
  return () => {
    again = true
    running ??= run().finally(() => (running = null))
    return running
  }
}
