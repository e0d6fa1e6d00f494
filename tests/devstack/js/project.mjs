// The project under test and how a script tells what it saw: one JSON line per behaviour, for pytest to assert on.
import { randomUUID } from 'node:crypto'

import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

export const url = process.env.SUPABASE_URL
export const password = 'correct horse battery'

export const newEmail = () => `${randomUUID()}@example.com`

const client = (key) =>
  createClient(url, key, {
    auth: { autoRefreshToken: false, persistSession: false, detectSessionInUrl: false },
    realtime: { transport: ws }, // Node 20 has no WebSocket of its own
  })

export const visitor = () => client(process.env.SUPABASE_ANON_KEY)
export const admin = () => client(process.env.SUPABASE_SERVICE_ROLE_KEY)

export const tell = (name, value) => console.log(JSON.stringify({ name, value: value ?? null }))

export const refusal = ({ error }) => (error ? { status: error.status, code: error.code ?? error.statusCode } : null)
