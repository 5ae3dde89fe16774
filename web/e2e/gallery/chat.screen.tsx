/** The user's conversation in every state. */
import type { ConnectionState, Readable, Room, RoomState, SessionState, ShownMessage } from '@frontdesk/sdk'
import { App } from '../../user/src/App'
import { After, carrying, happen, press, scrollUp, write } from './after'
import { connectionState, fakeClient, fakeSession, held } from './fake'
import { at, grace, ines, noah, parcelUrl, pdf, picture, room, roomState, type Said, said, upload } from './people'

const say = (sender: typeof grace, text: string, time: string, more?: Said) => said(grace, sender, text, time, more)

const history: ShownMessage[] = [
  say(grace, 'Good morning! My router arrived like this 😕', at(3, '08:54'), { files: [picture(1, 'parcel.jpg')] }),
  say(
    ines,
    'Good morning Grace, that parcel has had a hard week. Is the router itself damaged, or only the box?',
    at(3, '08:58'),
  ),
  say(grace, 'One antenna is loose. It still turns on.', at(3, '09:01')),
  say(
    ines,
    "Then I'd rather send a new one. It leaves Rotterdam today and reaches you on Wednesday; the courier takes the old one back, so please keep the box.",
    at(3, '09:06'),
    { files: [pdf(2, 'Return label RX-20417.pdf')] },
  ),
  say(ines, 'You can follow it here: https://track.example/RX-20417', at(3, '09:06')),
  say(grace, "You're wonderful, thank you!", at(3, '09:07')),
  say(grace, '💛', at(3, '09:07')),
  say(grace, 'The new one is here. What is the admin password? `admin/admin` does not work', at(0, '10:32')),
  say(
    noah,
    "It's printed under the router now, next to the serial number. Could you look for a line that starts with `PW:`?",
    at(0, '10:34'),
  ),
]
const found = () => say(grace, 'Found it ✨', at(0, '10:36'), { state: 'delivered' })
const unsent = (text: string, more: Said) => say(grace, text, at(0, '10:36'), { unsent: true, ...more })

const earlier: Room[] = [
  room(grace, { last_message: null }),
  room(grace, { id: 6, status: 'resolved', created_at: at(49, '09:00'), updated_at: at(48, '09:00') }),
  room(grace, { id: 5, status: 'resolved', created_at: at(96, '09:00'), updated_at: at(96, '12:00') }),
].map((each, index) => ({
  ...each,
  last_message: {
    id: index + 1,
    room_id: each.id,
    seq: 1,
    sender: index === 1 ? grace : index === 0 ? noah : ines,
    message:
      ["It's printed under the router now", 'Perfect, thanks', 'Ja, ab sofort in den Einstellungen'][index] ?? '',
    attachments: [],
    created_at: each.updated_at,
    read: true,
  },
}))

interface Scene {
  messages?: ShownMessage[]
  room?: Partial<RoomState>
  connection?: Readable<ConnectionState>
  session?: SessionState
  rooms?: Room[]
  silent?: boolean
}

const signedIn: SessionState = { status: 'signed_in', user: grace, reason: null }

function scene({
  messages = [...history, found()],
  room: change,
  connection,
  session,
  rooms = earlier,
  silent,
}: Scene) {
  const state = held(roomState(grace, messages, { room: rooms[0] ?? room(grace), ...change }))
  const client = fakeClient({ connection, room: silent ? undefined : state, rooms, silent })
  const who = fakeSession(signedIn)
  if (session) setTimeout(() => (who as unknown as ReturnType<typeof held<SessionState>>).set(session), 50)
  return <App session={who} connect={() => client} />
}

const empty: Scene = { messages: [], rooms: [], room: { room: room(grace), last_seq: 0 } }
const inSeconds = (seconds: number) => Date.now() + seconds * 1000

/** Comes back after it was away, since only then it is said. */
function restored(): Readable<ConnectionState> {
  const connection = held(connectionState('offline'))
  setTimeout(() => connection.set(connectionState('online', { since: Date.now() })), 120)
  return connection
}

const many = Array.from({ length: 400 }, (_, index) =>
  say(
    index % 3 === 0 ? noah : grace,
    `Line ${index + 1} of a long conversation`,
    at(8 - Math.floor(index / 60), `10:${String(index % 60).padStart(2, '0')}`),
  ),
)

const onePixel = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='),
  (letter) => letter.charCodeAt(0),
)

function pasted(): ClipboardEvent {
  const film = new File([new Uint8Array(26_214_401)], 'router-lights.mov')
  const image = new File([onePixel], 'parcel.png', { type: 'image/png' })
  const clipboardData = carrying(image, new File(['x'.repeat(92_300)], 'Return label RX-20417 signed.pdf'), film)
  return new ClipboardEvent('paste', { bubbles: true, clipboardData })
}

const dragged = () => new DragEvent('dragenter', { bubbles: true, dataTransfer: carrying(new File(['x'], 'a.txt')) })

export const states = {
  live: () => scene({ room: { typing: [{ user_id: noah.id, name: noah.name }] } }),
  empty: () => scene(empty),
  'empty-away': () => scene({ ...empty, room: { ...empty.room, support_online: false } }),
  loading: () => scene({ messages: [], room: { phase: 'loading', support_online: null } }),
  waiting: () => scene({ silent: true, rooms: [] }),
  offline: () =>
    scene({
      messages: [
        ...history,
        unsent('Found it ✨', { state: 'queued' }),
        unsent('Does it also work with IPv6?', { state: 'queued' }),
      ],
      connection: held(connectionState('offline')),
    }),
  reconnecting: () =>
    scene({ connection: held(connectionState('reconnecting', { attempt: 4, retryAt: inSeconds(20) })) }),
  back: () => scene({ connection: restored() }),
  sending: () => scene({ messages: [...history, unsent('Found it ✨', { state: 'sending' })] }),
  sent: () => scene({ messages: [...history, say(grace, 'Found it ✨', at(0, '10:36'), { state: 'sent' })] }),
  failed: () =>
    scene({
      messages: [...history, unsent('Found it ✨', { state: 'failed', error: { code: 'internal', message: '' } })],
    }),
  rate: () => scene({ room: { rate_limited_until: inSeconds(8) } }),
  durable: () =>
    scene({ messages: [...history, unsent('Found it ✨', { state: 'sending' })], room: { not_durable: true } }),
  out: () => scene({ session: { status: 'signed_out', user: grace, reason: 'expired' } }),
  upload: () =>
    scene({
      messages: [
        ...history,
        unsent('', {
          state: 'sending',
          uploads: [
            upload('parcel-2.jpg', { preview_url: parcelUrl }),
            upload('router-lights.mov', { content_type: 'video/quicktime' }),
          ],
        }),
      ],
    }),
  'upload-stopped': () =>
    scene({
      messages: [
        ...history,
        unsent('', {
          state: 'failed',
          uploads: [
            upload('parcel-2.jpg', { preview_url: parcelUrl, state: 'stopped', sent: 732_000 }),
            upload('router-lights.mov', { state: 'stopped', sent: 732_000 }),
          ],
        }),
      ],
    }),
  'upload-failed': () =>
    scene({
      messages: [
        ...history,
        unsent('', {
          state: 'failed',
          error: { code: 'too_large', message: '' },
          uploads: [upload('router-lights.mov', { state: 'failed', error: 'too_large', size: 31_000_000 })],
        }),
      ],
    }),
  gone: () => scene({ messages: [], room: { phase: 'gone' } }),
  'gone-kept': () =>
    scene({
      messages: [
        unsent('Found it ✨', { state: 'failed', error: { code: 'not_found', message: '' } }),
        unsent('Does it also work with IPv6?\nAnd is there an app for it?', { state: 'failed' }),
      ],
      room: { phase: 'gone' },
    }),
  unkept: () =>
    scene({
      messages: [...history, unsent('Found it ✨', { state: 'queued' })],
      room: { unkept: true },
      connection: held(connectionState('offline')),
    }),
  unread: () => scene({ room: { first_unread_seq: history[8]?.seq ?? null } }),
  resolved: () =>
    scene({
      room: {
        support_online: false,
        status_changes: [{ seq: 9999, status: 'resolved', user_id: noah.id, created_at: at(0, '10:40') }],
      },
    }),
  long: () => scene({ messages: many }),
  pictures: () =>
    scene({
      messages: [
        ...history,
        say(grace, '', at(0, '10:37'), {
          files: [picture(11, 'one.jpg'), picture(12, 'two.jpg', 600, 900), picture(13, 'three.jpg', 900, 900)],
        }),
        say(noah, '```\nGET /v1/router\n{ "ok": true }\n```\nHere is what it should say.', at(0, '10:38')),
        say(
          noah,
          Array.from({ length: 40 }, (_, line) => `${line + 1}. A long list that folds`).join('\n'),
          at(0, '10:38'),
        ),
      ],
    }),
  menu: () => <After steps={[press('.log .bub'), press('.ch .ib')]}>{scene({})}</After>,
  picture: () => <After steps={[press('.pic')]}>{scene({ messages: history.slice(0, 3) })}</After>,
  leaving: () => (
    <After steps={[press('.log .bub'), press('.ch .ib'), press('.pop .opt:nth-last-child(2)')]}>
      {scene({ messages: [...history, unsent('Found it ✨', { state: 'queued' })] })}
    </After>
  ),
  tray: () => <After steps={[happen('textarea', pasted)]}>{scene({})}</After>,
  counter: () => <After steps={[write('textarea', 'x'.repeat(3962))]}>{scene({})}</After>,
  'too-long': () => <After steps={[write('textarea', 'word '.repeat(803))]}>{scene({})}</After>,
  drop: () => <After steps={[press('.log .bub'), happen('.card', dragged)]}>{scene({})}</After>,
  jump: () => <After steps={[press('.log .bub'), scrollUp('.log', 600)]}>{scene({ messages: many })}</After>,
}
