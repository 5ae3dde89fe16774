/** The console in every state. */
import type { ConnectionState, InboxClient, InboxState, RoomState, SessionState } from '@frontdesk/sdk'
import { type ReactNode, useEffect } from 'react'
import { App } from '../../console/src/App'
import { amara, inboxState, roomState, rooms, said, stored_to, summary, unsent } from './consoleData'
import { connectionState, fakeClient, fakeSession, type Held, held } from './fake'
import { ada, upload } from './people'

interface Scene {
  /** What is open: the part of the address behind `#`. */
  hash?: string
  inbox?: InboxState
  room?: RoomState
  connection?: ConnectionState
  session?: SessionState
  /** What a person does once the screen stands. */
  act?: (inbox: Held<InboxState>) => void
}

const inRoom = `/rooms/${amara.id}`
/** For screens that show no inbox. */
const noInbox = (): InboxClient => ({
  ...fakeClient({}),
  inbox: () => {
    throw new Error('this screen shows no inbox')
  },
})
const signedIn: SessionState = { status: 'signed_in', user: ada, reason: null }

function scene(shown: Scene): () => ReactNode {
  return () => {
    history.replaceState(null, '', `#${shown.hash ?? inRoom}`)
    const inbox = held(shown.inbox ?? inboxState())
    const session = held(signedIn)
    const client: InboxClient = {
      ...fakeClient({
        connection: held(shown.connection ?? connectionState('online')),
        room: held(shown.room ?? roomState()),
      }),
      inbox: () => ({ ...inbox, setFilter() {}, loadMore: () => Promise.resolve(), reload: () => Promise.resolve() }),
    }
    const act = () => {
      if (shown.session) session.set(shown.session)
      shown.act?.(inbox)
    }
    return (
      <Acting act={act}>
        <App session={{ ...fakeSession(signedIn), ...session }} connect={() => client} />
      </Acting>
    )
  }
}

/** Long enough for the screen to stand. */
const settle_ms = 50

function Acting({ act, children }: { act: () => void; children: ReactNode }) {
  useEffect(() => {
    const timer = setTimeout(act, settle_ms)
    return () => clearTimeout(timer)
  }, [act])
  return children
}

const press = (key: string) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
const click = (selector: string) => document.querySelector<HTMLElement>(selector)?.click()
const none = (filter: InboxState['filter'], rest: Partial<InboxState> = {}) =>
  inboxState({ rooms: [], filter, ...rest })
const nothing_unread = { ...summary, rooms_unread: 0, unread: 0 }
const nobody = { rooms: 0, rooms_unread: 0, unread: 0, open: 0, resolved: 0 }

/** Three rooms hear something while a mouse rests on the list. */
function hearThree(inbox: Held<InboxState>) {
  const rests = new PointerEvent('pointerover', { bubbles: true, pointerType: 'mouse' })
  document.querySelector('.rows')?.dispatchEvent(rests)
  const risen = rooms.slice(-3).map((room) => ({ ...room, unread_count: 1, updated_at: new Date().toISOString() }))
  setTimeout(() => inbox.set(inboxState({ rooms: [...risen, ...rooms.slice(0, -3)] })), settle_ms)
}

const offline = [
  unsent("I've credited €42.00 to your next invoice.", { state: 'queued' }),
  unsent("And I'm looking at the Amman error now.", { state: 'queued' }),
]
const files = [
  unsent('Here is the corrected invoice.', {
    state: 'sending',
    uploads: [upload('credit-note-2026-11.pdf', { content_type: 'application/pdf' })],
  }),
]
const refused = unsent('Done: €42.00 comes off your next invoice.', {
  state: 'failed',
  error: { code: 'forbidden', message: 'refused' },
})

/** Refused because Amara wrote two more messages meanwhile. */
const behind = unsent('Done: €42.00 comes off your next invoice.', {
  state: 'failed',
  error: { code: 'stale', message: 'refused' },
  if_last_seq: stored_to - 2,
})

export const states: Record<string, () => ReactNode> = {
  room: scene({}),
  list: scene({ hash: '/' }),
  typing: scene({ room: roomState({ typing: [{ user_id: amara.id, name: amara.name }] }) }),
  quiet: scene({ hash: '/', inbox: none({ q: '', show: 'unread' }, { summary: nothing_unread, typing: {} }) }),
  search: scene({ hash: '/', inbox: none({ q: 'Zoë', show: 'all' }) }),
  'resolved-none': scene({ hash: '/', inbox: none({ q: '', show: 'resolved' }) }),
  'no-rooms': scene({ hash: '/', inbox: none({ q: '', show: 'all' }, { summary: nobody, typing: {} }) }),
  held: scene({ act: hearThree }),
  'list-loading': scene({ inbox: none({ q: '', show: 'all' }, { phase: 'loading' }) }),
  'list-failed': scene({ hash: '/', inbox: none({ q: '', show: 'all' }, { phase: 'failed' }) }),
  'room-loading': scene({ room: roomState({ phase: 'loading', messages: [], status_changes: [] }) }),
  'room-empty': scene({ room: roomState({ messages: [], status_changes: [], receipts: [], first_unread_seq: null }) }),
  gone: scene({ room: roomState({ phase: 'gone', room: null }) }),
  'gone-kept': scene({ room: roomState({ phase: 'gone', room: null, messages: offline }) }),
  failed: scene({ room: roomState({}, [refused]) }),
  stale: scene({ room: roomState({}, [behind]) }),
  unkept: scene({ connection: connectionState('offline'), room: roomState({ unkept: true }, offline) }),
  offline: scene({ connection: connectionState('offline'), room: roomState({}, offline) }),
  reconnecting: scene({
    connection: connectionState('reconnecting', { attempt: 3, retryAt: Date.now() + 8000 }),
    room: roomState({}, offline),
  }),
  rate: scene({
    room: roomState({ rate_limited_until: Date.now() + 8000 }, [unsent('And one more.', { state: 'queued' })]),
  }),
  'not-durable': scene({ room: roomState({ not_durable: true }, [unsent('Noted.', { state: 'sending' })]) }),
  upload: scene({ room: roomState({}, files) }),
  resolved: scene({
    room: roomState({
      room: { ...rooms[0]!, status: 'resolved', online: false, last_seen: said(ada, 9, '').created_at },
      status_changes: [{ seq: 99, status: 'resolved', user_id: ada.id, created_at: new Date().toISOString() }],
    }),
  }),
  'signed-out': scene({ session: { status: 'signed_out', user: ada, reason: 'expired' } }),
  'signed-out-list': scene({ hash: '/', session: { status: 'signed_out', user: ada, reason: 'expired' } }),
  details: scene({ hash: `${inRoom}/details` }),
  keys: scene({ act: () => press('?') }),
  settings: scene({ act: () => click('[popovertarget="settings-popover"]') }),
  account: scene({ act: () => click('[popovertarget="account-popover"]') }),
  you: scene({ hash: '/you' }),
  leaving: scene({
    hash: '/you',
    room: roomState({}, offline),
    connection: connectionState('offline'),
    act: () => click('#account-popover .account-verbs button, .you .account-verbs button'),
  }),
  user: () => <App session={fakeSession({ status: 'signed_in', user: amara, reason: null })} connect={noInbox} />,
  login: () => (
    <App
      session={fakeSession(
        { status: 'signed_out', user: null, reason: 'none' },
        { demo: [{ phone: '9999999999', password: 'drivecash', name: 'Ada', role: 'admin' }] },
      )}
      connect={noInbox}
    />
  ),
}
