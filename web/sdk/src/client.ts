/**
 * Puts the parts together: connections, rooms and outbox of one account. Decides nothing that a part can decide. The
 * admins' client (`inboxClient.ts`) brings its inbox along.
 */
import { type Api, createApi, isApiError, mayRetry } from './api'
import type { Delivery, Entry, Outcome } from './entries'
import { baseUrl, browserEnv, type Env } from './env'
import type { Inbox } from './inbox'
import { createOutbox } from './outbox'
import type { Message, MessagePage, Room, RoomPage, ServerFrame, User } from './protocol.gen'
import { createRoom, type FollowedRoom, type Link } from './room'
import { createSocket, type OutFrame, type Socket } from './socket'
import { openStorage } from './storage'
import type { Client, ClientOptions, ConnectionState, ConnectionStatus, RoomHandle } from './types'
import { createValue } from './value'

/** A page that changes its mind, or a component that is mounted twice, does not leave the room. */
const lingerMs = 1_000
/** What the list of a user's own rooms asks for at once. */
const ownRoomsMax = 200

/** From what needs the person's eye most to what needs it least. */
const worstFirst: ConnectionStatus[] = ['signed_out', 'offline', 'reconnecting', 'connecting', 'online']

interface Followed {
  room: FollowedRoom
  holders: number
  /** A user's: its own connection, once there is something to resume from. */
  socket: Socket | null
  /** An admin's: ready to be asked for on the shared connection. */
  loaded: boolean
  linger: ReturnType<typeof setTimeout> | undefined
}

/** `makeInbox`: all rooms come over one inbox connection; without it each has its own. */
export function createClient(options: ClientOptions, env: Env = browserEnv, makeInbox?: (api: Api) => Inbox): Client {
  const api = createApi(options.url, options.token)
  const wsBase = baseUrl(options.url).replace(/^http/, 'ws')
  const account = options.account ?? 'default'
  const storage = openStorage(account)
  const rooms = new Map<number, Followed>()
  const blobs = new Map<string, Promise<string>>()
  const connection = createValue(plain(env.online() ? 'connecting' : 'offline'))
  const failedRooms = createValue<ReadonlySet<number>>(new Set())
  let closed = false
  let me: User | null = null
  let meCall: Promise<User> | null = null

  const outbox = createOutbox({
    account,
    storage,
    random: env.random,
    ready: (room_id) => rooms.get(room_id)?.room.ready() ?? connection.get().status === 'online',
    deliver,
    onStored: (stored) => rooms.get(stored.room_id)?.room.stored(stored),
    onChange(room_id) {
      rooms.get(room_id)?.room.waitingChanged()
      noteFailed(room_id)
    },
  })

  const inbox = makeInbox?.(api)
  const shared = inbox ? openSocket('/ws/inbox/', inbox.resumePoint, inboxEvents(inbox)) : null

  function noteFailed(room_id: number): void {
    const before = failedRooms.get()
    const fails = outbox.waiting(room_id).some((entry) => entry.failed)
    if (fails === before.has(room_id)) return
    const next = new Set(before)
    if (!next.delete(room_id)) next.add(room_id)
    failedRooms.set(next)
  }

  const stopListening = env.onWake(showConnection)

  interface Events {
    onFrame: (frame: ServerFrame) => void
    onDown: () => void
    onGone: () => void
  }

  function openSocket(
    path: string,
    resumePoint: () => { after: number | string; epoch?: string } | null,
    events: Events,
  ): Socket {
    const url = () => {
      // Numbers become text by themselves.
      const query = new URLSearchParams({ v: '1', ...(resumePoint() as Record<string, string> | null) })
      return `${wsBase}${path}?${query}`
    }
    const socket = createSocket({ url, protocols: bearer, token: options.token, env, ...events })
    socket.state.subscribe(showConnection)
    return socket
  }

  /** Several connections look like one: the one that is worst off speaks. */
  function showConnection(): void {
    if (closed) return
    const sockets = shared ? [shared] : [...rooms.values()].flatMap(({ socket }) => socket ?? [])
    const states = sockets.map((socket) => socket.state.get()).filter((state) => state.status !== 'closed')
    states.sort((a, b) => worstFirst.indexOf(a.status) - worstFirst.indexOf(b.status))
    if (states[0]) connection.set(states[0])
    else if (sockets.length === 0) showIdle()
  }

  /** Without a room there is no connection to speak of, but the browser may know that there can be none. */
  function showIdle(): void {
    const status = env.online() ? 'connecting' : 'offline'
    if (connection.get().status === status) return
    connection.set(plain(status))
  }

  function inboxEvents(inbox: Inbox): Events {
    return {
      onFrame(frame) {
        inbox.receive(frame)
        if (frame.type === 'ready') {
          me = frame.user
          for (const [room_id, followed] of rooms) askFor(room_id, followed)
          outbox.kick()
        }
        const room_id = 'room_id' in frame ? frame.room_id : frame.type === 'room_summary' ? frame.room.id : undefined
        if (room_id !== undefined) rooms.get(room_id)?.room.receive(frame)
        else if (frame.type === 'support_status') for (const { room } of rooms.values()) room.receive(frame)
      },
      onDown: () => rooms.forEach(({ room }) => void room.down()),
      onGone: () => connection.set(plain('signed_out')),
    }
  }

  /** On the shared connection: open the room, from where it stands. */
  function askFor(room_id: number, followed: Followed): void {
    if (!followed.loaded || !shared || !me) return
    followed.room.setMe(me)
    shared.send({ type: 'open_room', room_id, ...followed.room.resumePoint() })
  }

  function follow(room_id: number): Followed {
    const known = rooms.get(room_id)
    if (known) return known
    const room = createRoom(room_id, { api, outbox, storage, me: whoAmI, link: linkOf(room_id), random: env.random })
    const followed: Followed = { room, holders: 0, socket: null, loaded: false, linger: undefined }
    rooms.set(room_id, followed)
    void attach(room_id, followed)
    return followed
  }

  async function attach(room_id: number, followed: Followed): Promise<void> {
    const { room } = followed
    await room.load()
    if (closed || rooms.get(room_id) !== followed || room.state.get().phase === 'gone') return
    followed.loaded = true
    if (shared) return askFor(room_id, followed)
    followed.socket = openSocket(`/ws/chat/${room_id}/`, room.resumePoint, {
      onFrame(frame) {
        if (frame.type === 'ready') me = frame.user
        room.receive(frame)
        // The way over HTTP is open too, for rooms that are not followed.
        if (frame.type === 'ready') outbox.kick()
      },
      onDown: room.down,
      onGone: room.gone,
    })
    showConnection()
  }

  function linkOf(room_id: number): Link {
    return {
      send(frame: OutFrame) {
        if (shared) return shared.send({ ...frame, room_id })
        return rooms.get(room_id)?.socket?.send(frame) ?? false
      },
      restart: () => (shared ?? rooms.get(room_id)?.socket)?.restart(),
    }
  }

  function leave(room_id: number, followed: Followed): void {
    rooms.delete(room_id)
    followed.room.dispose()
    followed.socket?.close()
    shared?.send({ type: 'close_room', room_id })
    showConnection()
  }

  function whoAmI(): Promise<User> {
    if (me) return Promise.resolve(me)
    meCall ??= api.call<User>('GET', '/api/auth/me/').finally(() => {
      meCall = null
    })
    return meCall
  }

  /** Text goes over the room's connection; files, and rooms that this tab does not follow, over HTTP. */
  function deliver(entry: Entry, delivery: Delivery): Promise<Outcome> {
    const followed = rooms.get(entry.room_id)
    return followed && !entry.files ? followed.room.deliver(entry, delivery) : deliverOverHttp(entry, delivery)
  }

  async function deliverOverHttp(entry: Entry, delivery: Delivery): Promise<Outcome> {
    const { room_id, client_id, if_last_seq } = entry
    const path = `/api/chat/rooms/${room_id}/messages/`
    try {
      // HTTP has no `if_last_seq`: what came since is asked for first.
      const since =
        if_last_seq === undefined ? [] : (await api.call<MessagePage>('GET', `${path}?after=${if_last_seq}`)).results
      if (since.some((message) => message.sender.role !== me?.role))
        return { type: 'refused', refusal: { code: 'stale', message: '' } }
      const message = entry.files
        ? await api.upload(path, formOf(entry), delivery)
        : await api.call<Message>('POST', path, { message: entry.text, client_id })
      // Else something on the way has answered.
      return message.client_id === client_id
        ? { type: 'stored', stored: { ...message, client_id, message } }
        : { type: 'again' }
    } catch (error) {
      if (!isApiError(error) || error.code === 'network' || error.status === 401) return { type: 'again' }
      if (mayRetry(error)) return { type: 'again', code: error.code, ms: error.retry_after_ms }
      return { type: 'refused', refusal: { code: error.code, message: error.message } }
    }
  }

  function handleOf(room_id: number): RoomHandle {
    const followed = follow(room_id)
    const { room } = followed
    if (followed.linger !== undefined) {
      clearTimeout(followed.linger)
      followed.linger = undefined
      room.markCame()
    }
    followed.holders++
    let released = false
    return {
      room_id,
      get: room.state.get,
      subscribe: room.state.subscribe,
      send(text, extra) {
        room.stopTyping()
        return outbox.add({ room_id, text: storable(text), ...extra })
      },
      sendFiles: (files, text = '') => outbox.add({ room_id, text: storable(text), files }),
      retry: outbox.retry,
      discard: outbox.discard,
      stopUpload: outbox.stop,
      typing: room.typing,
      read: room.read,
      loadOlder: room.loadOlder,
      markLeft: room.markLeft,
      release() {
        if (released) return
        released = true
        followed.holders--
        if (followed.holders > 0) return
        room.keep()
        followed.linger = setTimeout(() => leave(room_id, followed), lingerMs)
      },
    }
  }

  /** Without a network, what was seen last is shown, newest first. */
  async function cachedRooms(error: unknown): Promise<Room[]> {
    if (!isApiError(error) || error.code !== 'network') throw error
    const known = (await (await storage).rooms()).flatMap(({ room }) => room ?? [])
    if (known.length === 0) throw error
    return known.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1))
  }

  async function blobUrl(url: string): Promise<string> {
    const known = blobs.get(url)
    if (known) return known
    const loading = api.blob(url).then((blob) => URL.createObjectURL(blob))
    blobs.set(url, loading)
    loading.catch(() => blobs.delete(url))
    return loading
  }

  return {
    connection,
    room: handleOf,
    async openRoom(user_id) {
      const call = api.call<Room>('POST', '/api/chat/rooms/', user_id === undefined ? {} : { user_id })
      return call.catch(async (error) => {
        const known = user_id === undefined ? (await cachedRooms(error)).find((room) => room.status === 'open') : null
        if (known) return known
        throw error
      })
    },
    rooms: () =>
      api
        .call<RoomPage>('GET', `/api/chat/rooms/?limit=${ownRoomsMax}`)
        .then((page) => page.results)
        .catch(cachedRooms),
    setStatus: (room_id, status) => api.call<Room>('PATCH', `/api/chat/rooms/${room_id}/`, { status }),
    blobUrl,
    retryNow() {
      shared?.retryNow()
      for (const { socket } of rooms.values()) socket?.retryNow()
    },
    failedRooms,
    unsent: outbox.size,
    forget: outbox.clear,
    close() {
      if (closed) return
      for (const [room_id, followed] of [...rooms]) leave(room_id, followed)
      closed = true
      stopListening()
      shared?.close()
      inbox?.dispose()
      outbox.close()
      for (const blob of blobs.values()) blob.then((url) => URL.revokeObjectURL(url)).catch(() => {})
      connection.set(plain('closed'))
    },
  }
}

const plain = (status: ConnectionStatus): ConnectionState => ({ status, since: Date.now(), attempt: 0, retryAt: null })

/** Addresses end up in logs and in the browser's console; subprotocols do not. What is no JWT cannot be one: it travels as nothing. */
const bearer = (token: string) => ['frontdesk.v1', ...(/^[\w.-]+$/.test(token) ? [`bearer.${token}`] : [])]

/** What no server can store as JSON text: U+0000 and halves of surrogate pairs. */
const storable = (text: string) => text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd')

function formOf(entry: Entry): FormData {
  const form = new FormData()
  form.set('client_id', entry.client_id)
  form.set('message', entry.text)
  for (const file of entry.files ?? []) form.append('file', file, file.name)
  return form
}
