// Auth as supabase-js uses it.
import { admin, newEmail, password, refusal, tell, visitor } from './project.mjs'

const noa = visitor()
const email = newEmail()
const signedUp = await noa.auth.signUp({ email, password, options: { data: { nickname: 'Noa' } } })
const first = signedUp.data.session
tell('sign up', { id: signedUp.data.user.id, nickname: signedUp.data.user.user_metadata.nickname, session: !!first })
tell('second sign up', refusal(await visitor().auth.signUp({ email, password })))
const weak = await visitor().auth.signUp({ email: newEmail(), password: 'short' })
tell('weak password', { ...refusal(weak), reasons: weak.error.reasons })
tell('anonymous', refusal(await visitor().auth.signInAnonymously()))

const elsewhere = visitor()
const signedIn = await elsewhere.auth.signInWithPassword({ email, password })
tell('sign in', { id: signedIn.data.user.id })
tell('wrong password', refusal(await visitor().auth.signInWithPassword({ email, password: 'wrong password' })))

const refreshed = await noa.auth.refreshSession({ refresh_token: first.refresh_token })
tell('refresh', {
  rotated: refreshed.data.session.refresh_token !== first.refresh_token,
  id: refreshed.data.user.id,
})
tell('unknown refresh token', refusal(await visitor().auth.refreshSession({ refresh_token: 'unknown' })))

const claims = await noa.auth.getClaims()
tell('claims', claims.data.claims)
tell('get user', { id: (await noa.auth.getUser()).data.user.id })
tell('update user', (await noa.auth.updateUser({ data: { city: 'Haifa' } })).data.user.user_metadata.city)

await noa.auth.signOut({ scope: 'others' })
tell('others signed out', refusal(await elsewhere.auth.refreshSession(signedIn.data.session)))
const last = (await noa.auth.getSession()).data.session
await noa.auth.signOut()
tell('signed out', refusal(await visitor().auth.refreshSession(last)))
const gone = await noa.auth.getUser(last.access_token)
tell('user of an ended session', gone.error.name)

const root = admin().auth.admin
const created = await root.createUser({ email: newEmail(), password, email_confirm: true, app_metadata: { plan: 'pro' } })
const id = created.data.user.id
tell('admin create', created.data.user.app_metadata)
tell('admin update', (await root.updateUserById(id, { user_metadata: { city: 'Akko' } })).data.user.user_metadata.city)
const page = await root.listUsers({ page: 1, perPage: 1 })
tell('admin list', { users: page.data.users.length, total: page.data.total, next: page.data.nextPage })
tell('admin taken address', refusal(await root.createUser({ email, password })))
await root.deleteUser(id)
tell('admin get deleted', refusal(await root.getUserById(id)))
tell('not admin', refusal(await visitor().auth.admin.listUsers()))
