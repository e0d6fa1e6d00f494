// Everything the inbox asks of Supabase, and the only file that does.
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Config } from './config'
import type { OutgoingContent } from './content'
import type { Database } from './database.types'
import type {
  ConversationFilters,
  ConversationListItem,
  ConversationStats,
  ConversationWithDetails,
  Explanation,
  ThreadMessage,
} from './shapes'

const BUCKET = 'whatsapp-media'
const URL_SECONDS = 3600
const RETRY_MS = [500, 2000]
const NO_ANSWER = '' // the library's code for a request that failed on its way
const THERE_ALREADY = '23505'

/** An answer of Supabase that is a refusal; `code` is the SQLSTATE, listed in docs/errors.md. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message)
  }
}

interface Answer<T> {
  data: T | null
  error: { message: string; code?: string; error?: string } | null
}

async function taken<T>(answer: PromiseLike<Answer<T>>): Promise<T> {
  const { data, error } = await answer
  if (error) throw new Refused(error.message, error.code ?? error.error ?? '')
  return data as T
}

export type Client = SupabaseClient<Database>
export type Template = Database['public']['Tables']['message_templates']['Row']
export type Member = Database['public']['Tables']['workspace_members']['Row']
export type Workspace = Database['public']['Tables']['workspaces']['Row']
export interface CannedReply {
  id: string
  shortcut: string
  body: string
}
export type Draft = OutgoingContent & { reply_to_wamid?: string | null }

export class Api {
  readonly client: Client
  private readonly addresses = new Map<string, { url: Promise<string>; until: number }>()

  constructor(config: Config) {
    this.client = createClient<Database>(config.supabaseUrl, config.supabaseKey)
  }

  async signIn(email: string, password: string): Promise<void> {
    await taken(this.client.auth.signInWithPassword({ email, password }) as PromiseLike<Answer<unknown>>)
  }

  async signOut(): Promise<void> {
    this.addresses.clear()
    // This browser only: other devices stay signed in.
    await this.client.auth.signOut({ scope: 'local' })
  }

  /** Once: here, in another tab, or because the session could not be renewed. */
  onSignedOut(then: () => void): void {
    const { data } = this.client.auth.onAuthStateChange((event) => {
      if (event !== 'SIGNED_OUT') return
      data.subscription.unsubscribe()
      // The library holds its lock while it tells; whoever asks it something now would wait for ever.
      setTimeout(then)
    })
  }

  async userId(): Promise<string | null> {
    const { data } = await this.client.auth.getSession()
    return data.session?.user.id ?? null
  }

  workspaces(): Promise<Workspace[]> {
    return taken(this.client.from('workspaces').select('*').order('created_at'))
  }

  members(workspaceId: string): Promise<Member[]> {
    return taken(this.client.from('workspace_members').select('*').eq('workspace_id', workspaceId).order('created_at'))
  }

  conversations(workspaceId: string, filters: ConversationFilters): Promise<ConversationListItem[]> {
    return this.call('get_conversations', { workspace_id: workspaceId, filters })
  }

  async conversation(conversationId: string): Promise<ConversationWithDetails | null> {
    const rows = await this.call<ConversationWithDetails[]>('get_conversation', { conversation_id: conversationId })
    return rows[0] ?? null
  }

  /** Newest first; `before` is a message's id. */
  messages(conversationId: string, limit: number, before?: string): Promise<ThreadMessage[]> {
    const page = { conversation_id: conversationId, limit, ...(before && { before }) }
    return this.call('get_conversation_messages', page)
  }

  async stats(workspaceId: string): Promise<ConversationStats | null> {
    return (await this.call<ConversationStats[]>('get_conversation_stats', { workspace_id: workspaceId }))[0] ?? null
  }

  markAsRead(conversationId: string): Promise<void> {
    return this.call('mark_as_read', { conversation_id: conversationId })
  }

  archive(conversationId: string, archived: boolean): Promise<void> {
    const name = archived ? 'archive_conversation' : 'unarchive_conversation'
    return this.call(name, { conversation_id: conversationId })
  }

  assign(conversationId: string, userId: string | null): Promise<void> {
    return this.call('assign_conversation', { conversation_id: conversationId, user_id: userId })
  }

  /** The whole of sending. An answer that was lost is asked for again: by its reference the message is there once. */
  async send(conversationId: string, draft: Draft): Promise<void> {
    const row = { conversation_id: conversationId, ...draft, client_reference: crypto.randomUUID() }
    for (let attempt = 0; ; attempt++) {
      try {
        await taken(this.client.from('messages').insert(row as never))
        return
      } catch (reason) {
        const code = reason instanceof Refused ? reason.code : null
        if (attempt > 0 && code === THERE_ALREADY) return
        if (code !== NO_ANSWER || attempt === RETRY_MS.length) throw reason
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS[attempt]))
      }
    }
  }

  retry(messageId: string): Promise<void> {
    return this.call('retry_message', { message_id: messageId })
  }

  cancel(messageId: string): Promise<void> {
    return this.call('cancel_message', { message_id: messageId })
  }

  retryMedia(messageId: string): Promise<void> {
    return this.call('retry_media', { message_id: messageId })
  }

  explain(messageId: string): Promise<Explanation> {
    return this.call('explain_outbound', { message_id: messageId })
  }

  templates(connectionId: string): Promise<Template[]> {
    const all = this.client.from('message_templates').select('*').eq('connection_id', connectionId)
    return taken(all.ilike('status', 'approved').order('name'))
  }

  cannedReplies(workspaceId: string): Promise<CannedReply[]> {
    return taken(this.table('canned_replies').select('id, shortcut, body').eq('workspace_id', workspaceId))
  }

  async saveContact(contactId: string, change: { name?: string | null; tags?: string[] }): Promise<void> {
    await taken(this.client.from('contacts').update(change).eq('id', contactId))
  }

  async addNote(workspaceId: string, contactId: string, body: string): Promise<void> {
    await taken(this.table('contact_notes').insert({ workspace_id: workspaceId, contact_id: contactId, body }))
  }

  /** The object's name, for a message's `content.path`. */
  async upload(workspaceId: string, file: File): Promise<string> {
    const extension = /\.[A-Za-z0-9]{1,8}$/.exec(file.name)?.[0] ?? ''
    const path = `${workspaceId}/outgoing/${crypto.randomUUID()}${extension.toLowerCase()}`
    const options = { contentType: file.type || 'application/octet-stream' }
    await taken(this.client.storage.from(BUCKET).upload(path, file, options) as PromiseLike<Answer<unknown>>)
    return path
  }

  /** An address for <img>, <audio> and <video>, the same one while it is good. */
  address(path: string): Promise<string> {
    const known = this.addresses.get(path)
    if (known && known.until > Date.now()) return known.url
    const url = this.sign(path)
    this.addresses.set(path, { url, until: Date.now() + (URL_SECONDS - 60) * 1000 })
    url.catch(() => this.addresses.delete(path))
    return url
  }

  /** An address that saves the file under this name, which supabase-js (2.108) would escape twice. */
  async download(path: string, filename: string): Promise<string> {
    return `${await this.sign(path)}&download=${encodeURIComponent(filename)}`
  }

  private async sign(path: string): Promise<string> {
    const signing = this.client.storage.from(BUCKET).createSignedUrl(path, URL_SECONDS)
    return (await taken(signing as PromiseLike<Answer<{ signedUrl: string }>>)).signedUrl
  }

  // The generated types know columns, not what is inside jsonb. The shapes do, so answers are told to be them.
  private call<T>(name: string, parameters: object): Promise<T> {
    return taken(this.client.rpc(name as never, parameters as never) as unknown as PromiseLike<Answer<T>>)
  }

  private table(name: string) {
    return (this.client as unknown as SupabaseClient).from(name)
  }
}
