// Drives @supabase/supabase-js for the contract tests: one JSON command per line on stdin, one JSON line per answer
// and per event on stdout. Commands name a client and a topic; what the library calls back with is printed as it came.
import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const clients = new Map()
const channels = new Map()
const print = (line) => process.stdout.write(JSON.stringify(line) + '\n')

const commands = {
  connect({ client, url, key, token, vsn }) {
    const supabase = createClient(url, key, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: ws, vsn },
    })
    if (token) supabase.realtime.setAuth(token)
    clients.set(client, supabase)
  },

  join({ client, topic, config, changes }) {
    const channel = clients.get(client).channel(topic, { config })
    const event = (kind, data) => print({ client, topic, kind, data })
    for (const binding of changes) {
      channel.on('postgres_changes', binding, (payload) => event('change', payload))
    }
    channel.on('broadcast', { event: '*' }, (payload) => event('broadcast', payload))
    channel.on('system', {}, (payload) => event('system', payload))
    if (config.presence?.enabled) {
      channel.on('presence', { event: 'sync' }, () => event('presence', channel.presenceState()))
    }
    channel.subscribe((status, error) => event('status', { status, error: error && String(error.message) }))
    channels.set(`${client} ${topic}`, channel)
  },

  async broadcast({ client, topic, event, payload }) {
    return channels.get(`${client} ${topic}`).send({ type: 'broadcast', event, payload }, { timeout: 2000 })
  },

  async broadcast_over_http({ client, topic, event, payload }) {
    return channels.get(`${client} ${topic}`).httpSend(event, payload)
  },

  async track({ client, topic, payload }) {
    return channels.get(`${client} ${topic}`).track(payload)
  },

  async untrack({ client, topic }) {
    return channels.get(`${client} ${topic}`).untrack()
  },

  async set_token({ client, token }) {
    await clients.get(client).realtime.setAuth(token)
  },

  async leave({ client, topic }) {
    return channels.get(`${client} ${topic}`).unsubscribe()
  },

  async close({ client }) {
    await clients.get(client).removeAllChannels()
    clients.get(client).realtime.disconnect()
    clients.delete(client)
  },
}

console.warn = () => {}
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...parameters } = JSON.parse(line)
  Promise.resolve()
    .then(() => commands[command](parameters))
    .then((result) => print({ id, result: result ?? null }))
    .catch((error) => print({ id, error: String(error) }))
}
process.exit(0)
