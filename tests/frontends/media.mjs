// The code of docs/media.md in Node: argument 1 is supabase-js, argument 2 says who is who, argument 3 is the page.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'

const [library, told, page] = process.argv.slice(2)
const { url, key, email, other, password, workspace, phone, number, documentId, provider } = JSON.parse(told)
setTimeout(() => assert.fail('not within 60 seconds'), 60_000).unref()
runInThisContext(readFileSync(library, 'utf8'))

const [show, send] = [...readFileSync(page, 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code)
const [begin, listen, sign, read, retry] = show.split('\n\n')
const Program = (async () => {}).constructor
const program = (names, ...parts) => new Program(...names, parts.join('\n'))

const signedIn = async (address) => {
  const supabase = globalThis.supabase.createClient(url, key, { auth: { persistSession: false } })
  const { error } = await supabase.auth.signInWithPassword({ email: address, password })
  assert.equal(error, null)
  return supabase
}
const [member, stranger] = [await signedIn(email), await signedIn(other)]

const seen = []
await program(['supabase', 'show'], begin, listen)(stranger, () => assert.fail('a stranger is shown a file'))
const shown = new Promise((resolve) => program(['supabase', 'show'], begin, listen)(member, resolve))
// A channel is joined before changes come to it; where none came to anybody yet, by as long as Postgres takes for a slot.
const live = new Promise((resolve) => member.channel('all').on('postgres_changes',
  { event: '*', schema: 'public', table: 'messages' }, ({ new: { media_status } }) => seen.push(media_status))
  .on('system', {}, ({ message }) => message === 'Subscribed to PostgreSQL' && resolve()).subscribe())
const until = async (holds) => {
  while (!(await holds())) await new Promise((go) => setTimeout(go, 20))
}
for (const client of [member, stranger]) await until(() => client.getChannels().every(({ state }) => state === 'joined'))
await live

const filename = '../Überblick "1"\u202efdp.exe'
const message = { type: 'document', document: { id: documentId, filename } }
const body = JSON.stringify({ phone_number_id: number, from: phone, message })
const answer = await fetch(`${provider}/_control/inbound`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
assert.ok(answer.ok, await answer.text())

const stored = await shown
// Whoever hears that it is there hears at once where it is.
assert.match(stored.media_path, new RegExp(`^${workspace}/.*/${stored.id}\\.pdf$`))
assert.deepEqual([stored.media_filename, stored.media_mime_type], [filename, 'application/pdf'])
await until(() => seen.includes('stored'))
assert.deepEqual([...new Set(seen)], ['pending', 'downloading', 'stored'])

const parts = [begin, sign, read, 'return [shown, saved, data]']
const [forTag, forDisk, row] = await program(['supabase', 'message'], ...parts)(member, stored)
const get = async (address, headers = {}) => {
  const came = await fetch(address, { headers })
  return [came.status, came.headers.get('content-type'), (await came.text()).slice(0, 5), came.headers.get('content-disposition')]
}
assert.deepEqual((await get(forTag.signedUrl)).slice(0, 3), [200, 'application/pdf', '%PDF-'])
const [status, , , disposition] = await get(forDisk)
assert.equal(status, 200)
assert.match(disposition, /^attachment;/)
assert.ok(decodeURIComponent(disposition).includes(filename), disposition)
assert.equal(row.media_status, 'stored')

const token = async (client) => ({ Authorization: `Bearer ${(await client.auth.getSession()).data.session.access_token}` })
assert.equal((await get(url + row.media_url, { apikey: key, ...(await token(member)) }))[0], 200)
assert.ok((await get(url + row.media_url, { apikey: key, ...(await token(stranger)) }))[0] >= 400)
assert.ok((await get(url + row.media_url))[0] >= 400)
assert.deepEqual(await program(['supabase', 'message'], ...parts)(stranger, stored), [null, null, null])

const again = program(['supabase', 'message'], retry.replace('await', 'return await'))
assert.equal((await again(member, stored)).error.code, 'WA008')
assert.equal((await again(stranger, stored)).error.code, 'WA004')

const file = new File(['%PDF-1.4 an answer'], 'answer.pdf', { type: 'application/pdf' })
const names = ['supabase', 'bucket', 'workspace_id', 'conversation_id', 'file']
const sends = (client) =>
  program(names, send.replace('await bucket', 'const sent = await bucket'), 'return [path, sent.error]')(
    client, client.storage.from('whatsapp-media'), workspace, stored.conversation_id, file)
const [path, refusal] = await sends(member)
assert.equal(refusal, null)
const sent = async () => (await member.from('messages').select('status, content').eq('content->>path', path)).data[0]
await until(async () => (await sent())?.status === 'read')
assert.equal((await sent()).content.filename, 'answer.pdf')
const [, refused] = await sends(stranger)
assert.ok(refused)
console.log('done')
process.exit(0)
