// Storage as supabase-js uses it, in a bucket and by policies that pytest has made: BUCKET and PUBLIC_BUCKET.
import { Readable } from 'node:stream'

import { admin, newEmail, password, refusal, tell, visitor } from './project.mjs'

const { BUCKET, PUBLIC_BUCKET } = process.env

const signedUp = async () => {
  const client = visitor()
  const { data } = await client.auth.signUp({ email: newEmail(), password })
  return { id: data.user.id, client, files: client.storage.from(BUCKET) }
}
const text = async ({ data, error }) => (error ? refusal({ error }) : data.text())

const noa = await signedUp()
const stranger = await signedUp()
const path = `${noa.id}/folder/a b.txt`

// Bodies: text (raw), blob and form (multipart), stream (raw without a length).
const options = { contentType: 'text/plain', cacheControl: '60', metadata: { source: 'camera' } }
const uploaded = await noa.files.upload(path, 'raw text', options)
tell('upload', { fullPath: uploaded.data?.fullPath === `${BUCKET}/${path}`, id: !!uploaded.data?.id })
tell('download', await text(await noa.files.download(path)))
await noa.files.upload(`${noa.id}/blob.txt`, new Blob(['a blob'], { type: 'text/plain' }), { metadata: { n: 1 } })
tell('blob', await text(await noa.files.download(`${noa.id}/blob.txt`)))
await noa.files.upload(`${noa.id}/stream.txt`, Readable.from(['a ', 'stream']), { contentType: 'text/plain' })
tell('stream', await text(await noa.files.download(`${noa.id}/stream.txt`)))
const streamed = (await noa.files.download(path).asStream()).data
tell('download as stream', await new Response(streamed).text())

tell('second upload', refusal(await noa.files.upload(path, 'again')))
await noa.files.upload(path, 'upserted', { upsert: true, contentType: 'text/plain' })
tell('upsert', await text(await noa.files.download(path)))
await noa.files.update(path, 'updated', options)
tell('update', await text(await noa.files.download(path)))
tell('refused upload', refusal(await stranger.files.upload(`${noa.id}/x.txt`, 'x')))
tell('anon upload', refusal(await visitor().storage.from(BUCKET).upload('x.txt', 'x')))
tell('forbidden key', refusal(await noa.files.upload(`${noa.id}/שלום.txt`, 'x')))
tell('unknown bucket', refusal(await noa.client.storage.from('nowhere').upload('x.txt', 'x')))
tell('unseen download', refusal(await stranger.files.download(path)))

const info = (await noa.files.info(path)).data
tell('info', { size: info.size, contentType: info.contentType, metadata: info.metadata, name: info.name === path })
tell('exists', [(await noa.files.exists(path)).data, (await noa.files.exists(`${path}-not`)).data])

const signed = (await noa.files.createSignedUrl(path, 60, { download: 'b.txt' })).data.signedUrl
const opened = await fetch(signed)
tell('signed url', { text: await opened.text(), disposition: opened.headers.get('content-disposition') })
const many = (await noa.files.createSignedUrls([path, 'missing.txt'], 60)).data
tell('signed urls', { text: await (await fetch(many[0].signedUrl)).text(), missing: many[1].error })
tell('unseen sign', refusal(await stranger.files.createSignedUrl(path, 60)))
const link = (await noa.files.createSignedUploadUrl(`${noa.id}/link.txt`)).data
const byLink = visitor().storage.from(BUCKET)
await byLink.uploadToSignedUrl(link.path, link.token, 'sent by link', { contentType: 'text/plain' })
tell('signed upload', await text(await noa.files.download(link.path)))
tell('signed upload again', refusal(await byLink.uploadToSignedUrl(link.path, link.token, 'again')))

const listed = (await noa.files.list(noa.id, { sortBy: { column: 'name', order: 'desc' } })).data
tell('list', listed.map((entry) => [entry.name, entry.id === null]))
tell('stranger list', (await stranger.files.list(noa.id)).data)
const page = (await noa.files.listV2({ prefix: `${noa.id}/`, with_delimiter: true, limit: 2 })).data
tell('list v2', { hasNext: page.hasNext, folders: page.folders.length, objects: page.objects.length })

tell('move', refusal(await noa.files.move(`${noa.id}/blob.txt`, `${noa.id}/moved.txt`)))
tell('moved', await text(await noa.files.download(`${noa.id}/moved.txt`)))
const copied = await noa.files.copy(`${noa.id}/moved.txt`, `${noa.id}/copy.txt`)
tell('copy', copied.data?.path === `${BUCKET}/${noa.id}/copy.txt`)
tell('stranger remove', (await stranger.files.remove([path])).data)
tell('remove', (await noa.files.remove([path])).data.map((row) => row.name === path))

const open = noa.client.storage.from(PUBLIC_BUCKET)
await open.upload(`${noa.id}/p.txt`, 'for all', { contentType: 'text/plain' })
tell('public url', await (await fetch(open.getPublicUrl(`${noa.id}/p.txt`).data.publicUrl)).text())

const buckets = admin().storage
const name = `test-${newEmail().slice(0, 20)}`
const limits = { public: false, fileSizeLimit: '1KB', allowedMimeTypes: ['image/*'] }
tell('bucket', (await buckets.createBucket(name, limits)).data?.name === name)
const mine = buckets.from(name)
tell('too large', refusal(await mine.upload('a.png', 'x'.repeat(1001), { contentType: 'image/png' })))
tell('wrong type', refusal(await mine.upload('a.txt', 'x', { contentType: 'text/plain' })))
await mine.upload('a.png', 'x', { contentType: 'image/png' })
tell('delete full bucket', refusal(await buckets.deleteBucket(name)))
await buckets.updateBucket(name, { public: true, fileSizeLimit: null })
const changed = (await buckets.getBucket(name)).data
tell('bucket changed', [changed.public, changed.file_size_limit])
await buckets.emptyBucket(name)
tell('delete bucket', refusal(await buckets.deleteBucket(name)))
tell('deleted bucket', refusal(await buckets.getBucket(name)))
tell('user makes bucket', refusal(await noa.client.storage.createBucket(`${name}-2`)))
