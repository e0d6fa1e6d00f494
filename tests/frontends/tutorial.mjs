// docs/frontend.md from its first block to its last, in Node: argument 1 is the folder with its files, argument 2
// says who is who. Waits are for the page's own bell, so a bell that does not ring is a failure.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'

const [folder, told] = process.argv.slice(2)
const { email, password, workspace, connection, phone, number, pictureId, provider, devstack } = JSON.parse(told)
const step = (name) => console.log(`· ${name} (${Math.round(performance.now())} ms)`)
setTimeout(() => assert.fail('not within 120 seconds'), 120_000).unref()

// As a script tag does.
runInThisContext(readFileSync(`${folder}/supabase.js`, 'utf8'))
const inbox = await import(`file://${folder}/inbox.js`)

const post = async (url, body) => {
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers })
  assert.ok(answer.ok, await answer.text())
}
const control = (name, body) => post(`${provider}/_control/${name}`, { phone_number_id: number, ...body })
const says = (message, more) => control('inbound', { from: phone, message, profile_name: 'Noa', ...more })
const refusal = (work) => work.then(() => assert.fail('it was not refused'), (error) => error)

const waiting = new Set()
const ring = () => waiting.forEach((look) => look())
/** The value of `look` once it is true; looks again whenever the bell rings. */
const until = (look) =>
  new Promise((resolve, reject) => {
    const again = () => look().then((seen) => seen && (waiting.delete(again), resolve(seen)), reject)
    waiting.add(again)
    again()
  })

step('Sign in')
const stranger = await refusal(inbox.list(workspace))
assert.equal(stranger.code, '42501')
assert.equal((await refusal(inbox.signIn(email, 'wrong'))).code, 'invalid_credentials')
await inbox.signIn(email, password)
assert.deepEqual((await inbox.workspaces()).map(({ id }) => id), [workspace])

step('The list, live')
assert.deepEqual(await inbox.list(workspace), [])
const channel = inbox.live(workspace, ring)
await says({ type: 'text', text: { body: 'Is the corner table free?' } })
const [row] = await until(async () => ((await inbox.list(workspace)).length ? inbox.list(workspace) : null))
assert.equal(row.title, 'Noa')
assert.deepEqual([row.unread_count, row.is_window_open], [1, true])
assert.deepEqual(await inbox.list(workspace, { cursor: row.cursor }), [])
assert.equal((await inbox.list(workspace, { search: 'corner' })).length, 1)

step('A thread')
const [question] = await inbox.thread(row.id)
assert.equal(question.content.body, 'Is the corner table free?')
assert.deepEqual(await inbox.thread(row.id, question.id), [])
await inbox.markAsRead(row.id)
assert.equal((await inbox.list(workspace))[0].unread_count, 0)

step('Send, and see the ticks')
await inbox.send(row.id, 'text', { body: 'For two, at eight' })
const answer = await until(async () => (await inbox.thread(row.id)).find(({ status }) => status === 'read'))
assert.equal(answer.content.body, 'For two, at eight')
assert.equal(inbox.ticks[answer.status], '👁')

step('Send over a line that loses the answer')
const honest = globalThis.fetch
let lost = 0
globalThis.fetch = async (address, options) => {
  const came = await honest(address, options)
  if (options?.method !== 'POST' || !String(address).includes('/rest/v1/messages') || lost++) return came
  throw new TypeError('Failed to fetch')
}
await inbox.send(row.id, 'text', { body: 'Only once' })
globalThis.fetch = honest
assert.ok(lost >= 2)
const once = (await inbox.thread(row.id)).filter(({ content }) => content.body === 'Only once')
assert.equal(once.length, 1)

step('Pictures and files')
await says({ type: 'image', image: { id: pictureId, caption: 'The view' } })
const first = async (wanted) => (await inbox.thread(row.id)).find(wanted)
const picture = await until(() => first(({ media_status }) => media_status === 'stored'))
const shown = await fetch(await inbox.address(picture.media_path))
assert.equal(shown.headers.get('content-type'), 'image/png')
await inbox.sendFile(workspace, row.id, new File(['%PDF-1.4 a menu'], 'menu.pdf', { type: 'application/pdf' }))
const menu = await until(() => first(({ type, status }) => type === 'document' && status === 'read'))
assert.equal(menu.content.filename, 'menu.pdf')

step('What came while nobody listened')
await post(`${devstack}/_devstack/realtime`, { refuse_connections: true, drop_sockets: true })
await says({ type: 'text', text: { body: 'Hello?' } })
await post(`${devstack}/_devstack/realtime`, { reset: true })
await until(async () => (await inbox.thread(row.id)).some(({ content }) => content.body === 'Hello?'))

step('When the window is closed')
const yesterday = Math.floor(Date.now() / 1000) - 25 * 3600
await says({ type: 'text', text: { body: 'An old question' } }, { from: `${phone}1`, timestamp: yesterday })
const closed = await until(async () => (await inbox.list(workspace)).find(({ is_window_open }) => !is_window_open))
const late = await refusal(inbox.send(closed.id, 'text', { body: 'Too late' }))
assert.equal(inbox.say(late), 'The customer has not written for 24 hours: send a template.')
const [template] = await inbox.templates(connection)
await inbox.sendTemplate(closed.id, template)
const sent = ({ type, status }) => type === 'template' && status === 'read'
await until(async () => (await inbox.thread(closed.id)).some(sent))

step('Errors')
assert.equal((await refusal(inbox.thread(workspace))).code, 'WA004')
assert.equal((await refusal(inbox.list(workspace, { colour: 1 }))).details, 'colour')

step('Many browsers: a topic')
await channel.unsubscribe()
// At its return the bell rings without an event.
await new Promise((resolve) => inbox.hear(workspace, (event) => (event ? ring() : resolve())))
await says({ type: 'text', text: { body: 'By the topic' } })
await until(async () => (await inbox.list(workspace))[0].last_message_preview === 'By the topic')

step('done')
process.exit(0)
