/** A small server that speaks v=1, in this process, whose connections can be cut and whose answers can be lost. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Env, SocketLike, WakeReason } from '../src/env'
import type { ErrorCode, Message, Receipt, Room, RoomStatus, ServerFrame, User } from '../src/protocol.gen'

export const ada: User = { id: 1, name: 'Ada', role: 'admin' }
export const grace: User = { id: 2, name: 'Grace', role: 'user' }
export const people = [ada, grace]

type Event =
  | { kind: 'message'; seq: number; message: Message }
  | { kind: 'status'; seq: number; status: RoomStatus; user_id: number; created_at: string }

interface FakeRoom {
  room: Room
  events: Event[]
  receipts: Map<number, Receipt>
}

interface Peer {
  ws: WebSocket
  user: User
  /** Null for the inbox. */
  room_id: number | null
  opened: Set<number>
}

export interface FakeServer {
  url: string
  rooms: Map<number, FakeRoom>
  /** Every frame that clients sent, in order. */
  heard: { user_id: number; room_id: number | null; frame: Record<string, unknown> }[]
  /** Every text that was sent over HTTP. */
  posts: string[]
  /** How many connections were ever made. */
  connects: number
  /** How many are open now. */
  connections(): number
  /** Tokens that are refused with 4401 and 401. */
  revoked: Set<string>
  epoch: string
  /** How many missed events a resume brings; more is a reset. */
  resumesMax: number
  /** Judges a message before it is stored. */
  judge: (text: string) => { code: ErrorCode; retryable: boolean; retry_after_ms?: number } | null
  /** Called after a message was stored and before anybody is told; true cuts all connections there. */
  cutAfterStoring: (text: string) => boolean
  open(room_id: number): FakeRoom
  says(user: User, room_id: number, text: string): Message
  resolves(user: User, room_id: number, status: RoomStatus): void
  send(room_id: number, frame: ServerFrame): void
  texts(room_id: number): string[]
  /** Cuts every connection, as a lost network does. */
  cut(): void
  close(code: number): void
  stop(): Promise<void>
}

const now = () => new Date().toISOString()

export async function startServer(): Promise<FakeServer> {
  const peers = new Set<Peer>()
  let nextId = 100
  const http = createServer((request, response) => void handle(request, response))
  const wss = new WebSocketServer({ server: http })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))

  const server: FakeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    rooms: new Map(),
    heard: [],
    posts: [],
    connects: 0,
    connections: () => peers.size,
    revoked: new Set(),
    epoch: 'e1',
    resumesMax: 1_000,
    judge: () => null,
    cutAfterStoring: () => false,
    open(room_id) {
      const created_at = now()
      const room: Room = {
        id: room_id,
        user: grace,
        status: 'open',
        unread_count: 0,
        last_message: null,
        last_seq: 0,
        online: false,
        last_seen: null,
        created_at,
        updated_at: created_at,
      }
      const made = { room, events: [], receipts: new Map() }
      server.rooms.set(room_id, made)
      return made
    },
    says: (user, room_id, text) => store(user, room_id, text).message,
    resolves(user, room_id, status) {
      const event = { kind: 'status' as const, seq: head(room_id) + 1, status, user_id: user.id, created_at: now() }
      add(room_id, event)
      server.send(room_id, frameOf(room_id, event))
    },
    send(room_id, frame) {
      for (const peer of peers) if (hears(peer, room_id)) tell(peer, frame)
    },
    texts: (room_id) =>
      server.rooms.get(room_id)!.events.flatMap((it) => (it.kind === 'message' ? it.message.message : [])),
    cut() {
      for (const peer of [...peers]) peer.ws.terminate()
    },
    close(code) {
      for (const peer of [...peers]) peer.ws.close(code)
    },
    async stop() {
      server.cut()
      wss.close()
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }

  const head = (room_id: number) => server.rooms.get(room_id)!.events.length
  const hears = (peer: Peer, room_id: number) => peer.room_id === room_id || peer.opened.has(room_id)
  const tell = (peer: Peer, frame: ServerFrame) => peer.ws.send(JSON.stringify(frame))

  function add(room_id: number, event: Event): void {
    const it = server.rooms.get(room_id)!
    it.events.push(event)
    it.room = { ...it.room, last_seq: event.seq, updated_at: now() }
    if (event.kind === 'message') it.room.last_message = event.message
    else it.room.status = event.status
  }

  function frameOf(room_id: number, event: Event): ServerFrame {
    if (event.kind === 'message') return { type: 'chat_message', ...event.message }
    const { seq, status, user_id, created_at } = event
    return { type: 'room_updated', room_id, seq, status, user_id, created_at }
  }

  function store(
    sender: User,
    room_id: number,
    text: string,
    client_id?: string,
  ): { message: Message; duplicate: boolean } {
    for (const { events } of server.rooms.values())
      for (const it of events)
        if (client_id && it.kind === 'message' && it.message.client_id === client_id)
          return { message: it.message, duplicate: true }
    const message: Message = {
      id: nextId++,
      room_id,
      seq: head(room_id) + 1,
      sender,
      message: text,
      attachments: [],
      created_at: now(),
      read: false,
    }
    if (client_id) message.client_id = client_id
    const event: Event = { kind: 'message', seq: message.seq, message }
    add(room_id, event)
    if (server.cutAfterStoring(text)) server.cut()
    else server.send(room_id, frameOf(room_id, event))
    for (const peer of peers)
      if (peer.room_id === null)
        tell(peer, { type: 'room_summary', room: server.rooms.get(room_id)!.room, version: String(nextId) })
    return { message, duplicate: false }
  }

  function page(room_id: number, query: URLSearchParams) {
    const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY)
    const limit = Number(query.get('limit') ?? 50)
    const messages = server.rooms
      .get(room_id)!
      .events.flatMap((it) => (it.kind === 'message' && it.seq < before ? it.message : []))
    if (query.has('after')) {
      const later = messages.filter((message) => message.seq > Number(query.get('after')))
      return { results: later.slice(0, limit), next: later.length > limit ? later[limit - 1]!.seq : null }
    }
    const results = messages.slice(-limit)
    return { results, next: messages.length > limit ? results[0]!.seq : null }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, server.url)
    const token = request.headers.authorization?.replace('Bearer ', '')
    const user = people.find((person) => String(person.id) === token?.split('.')[0])
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const problem = (status: number, code: ErrorCode) => answer(status, { status, code, title: code, detail: code })
    if (!user || server.revoked.has(token!)) return problem(401, 'unauthorized')
    if (url.pathname === '/api/auth/me/') return answer(200, user)
    if (url.pathname === '/api/chat/rooms/summary/')
      return answer(200, { rooms: server.rooms.size, rooms_unread: 0, unread: 0, open: server.rooms.size, resolved: 0 })
    if (url.pathname === '/api/chat/rooms/')
      return answer(200, { results: [...server.rooms.values()].map((it) => it.room).reverse(), next: null })
    const room_id = Number(/^\/api\/chat\/rooms\/(\d+)\/messages\/$/.exec(url.pathname)?.[1])
    if (!server.rooms.has(room_id)) return problem(404, 'not_found')
    if (request.method === 'GET') return answer(200, page(room_id, url.searchParams))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { message, client_id } = JSON.parse(Buffer.concat(chunks).toString())
    server.posts.push(message)
    const error = server.judge(message)
    if (error) return problem(error.retryable ? 503 : 422, error.code)
    const stored = store(user, room_id, message, client_id)
    answer(stored.duplicate ? 200 : 201, stored.message)
  }

  wss.on('connection', (ws, request) => {
    server.connects++
    const url = new URL(request.url!, server.url)
    const offered = request.headers['sec-websocket-protocol']?.split(/, */).find((name) => name.startsWith('bearer.'))
    const token = offered?.slice('bearer.'.length) ?? url.searchParams.get('token') ?? ''
    const user = people.find((person) => String(person.id) === token.split('.')[0])
    if (!user || server.revoked.has(token)) return ws.close(4401)
    const room_id = url.pathname === '/ws/inbox/' ? null : Number(/^\/ws\/chat\/(\d+)\/$/.exec(url.pathname)?.[1])
    if (room_id !== null && !server.rooms.has(room_id)) return ws.close(4404)
    const peer: Peer = { ws, user, room_id, opened: new Set() }
    peers.add(peer)
    ws.on('close', () => peers.delete(peer))
    ws.on('message', (data) => receive(peer, JSON.parse(String(data))))
    const base = { type: 'ready' as const, protocol: 1, epoch: server.epoch, user, heartbeat_ms: 25_000 }
    if (room_id === null) {
      const summary = { rooms: server.rooms.size, rooms_unread: 0, unread: 0, open: server.rooms.size, resolved: 0 }
      return tell(peer, { ...base, version: String(nextId), summary, resume: 'none' })
    }
    const { room, receipts } = server.rooms.get(room_id)!
    const after = url.searchParams.has('after') ? Number(url.searchParams.get('after')) : undefined
    const resume = resumeOf(room_id, after, url.searchParams.get('epoch'))
    tell(peer, { ...base, room, receipts: [...receipts.values()], support_online: true, resume })
    if (resume === 'complete') replay(peer, room_id, after!)
  })

  function resumeOf(room_id: number, after: number | undefined, epoch: string | null | undefined) {
    if (after === undefined) return 'none' as const
    const missed = head(room_id) - after
    return (epoch && epoch !== server.epoch) || missed < 0 || missed > server.resumesMax
      ? ('reset' as const)
      : ('complete' as const)
  }

  function replay(peer: Peer, room_id: number, after: number): void {
    for (const event of server.rooms.get(room_id)!.events) if (event.seq > after) tell(peer, frameOf(room_id, event))
  }

  function receive(peer: Peer, frame: Record<string, unknown> & { type: string }): void {
    const room_id = peer.room_id ?? (frame.room_id as number)
    server.heard.push({ user_id: peer.user.id, room_id, frame })
    const named = peer.room_id === null ? { room_id } : {}
    const it = server.rooms.get(room_id)
    if (frame.type === 'ping') return tell(peer, { type: 'pong' })
    if (!it)
      return tell(peer, { type: 'error', code: 'not_found', message: 'no such room', retryable: false, ...named })
    if (frame.type === 'open_room') {
      peer.opened.add(room_id)
      const after = frame.after as number | undefined
      const resume = resumeOf(room_id, after, frame.epoch as string)
      const { room, receipts } = it
      tell(peer, { type: 'room_opened', room_id, epoch: server.epoch, room, receipts: [...receipts.values()], resume })
      if (resume === 'complete') replay(peer, room_id, after!)
    } else if (frame.type === 'close_room') {
      peer.opened.delete(room_id)
      tell(peer, { type: 'room_closed', room_id })
    } else if (frame.type === 'resume') {
      const after = frame.after as number
      tell(peer, { type: 'resumed', room_id, after, last_seq: head(room_id), resume: 'complete' })
      replay(peer, room_id, after)
    } else if (frame.type === 'chat_message') {
      const { message, client_id } = frame as { message: string; client_id?: string; type: string }
      const error = server.judge(message)
      if (error) return tell(peer, { type: 'error', message: error.code, client_id, ...error, ...named })
      const { message: stored, duplicate } = store(peer.user, room_id, message, client_id)
      const { id, seq, created_at } = stored
      if (client_id && peers.has(peer)) tell(peer, { type: 'ack', client_id, id, seq, created_at, duplicate, ...named })
    } else if (frame.type === 'read_receipt' || frame.type === 'delivered') {
      moveReceipt(peer.user, it, room_id, frame.type, frame.message_id as number)
    } else if (frame.type === 'typing') {
      const { id: user_id, name } = peer.user
      const typing: ServerFrame = { type: 'typing', room_id, user_id, name, is_typing: frame.is_typing as boolean }
      for (const other of peers) if (other.user !== peer.user && hears(other, room_id)) tell(other, typing)
    }
  }

  function moveReceipt(
    user: User,
    it: FakeRoom,
    room_id: number,
    type: 'read_receipt' | 'delivered',
    message_id: number,
  ) {
    const event = it.events.find((one) => one.kind === 'message' && one.message.id === message_id)
    if (!event) return
    const { seq } = event
    const before = it.receipts.get(user.id) ?? { user_id: user.id, role: user.role, read_seq: 0, delivered_seq: 0 }
    const read_seq = type === 'read_receipt' ? Math.max(before.read_seq, seq) : before.read_seq
    it.receipts.set(user.id, { ...before, read_seq, delivered_seq: Math.max(before.delivered_seq, seq) })
    const who = { room_id, user_id: user.id, role: user.role, message_id, seq }
    server.send(room_id, type === 'delivered' ? { type, ...who } : { type, ...who, read_at: now() })
  }

  return server
}

export interface FakeEnv extends Env {
  isOnline: boolean
  wake(reason: WakeReason): void
}

/** Node has no window: the tests say when the network comes and goes. `open` makes the WebSockets. */
export function createEnv(open: (url: string, protocols?: string[]) => unknown): FakeEnv {
  const listeners = new Set<(reason: WakeReason) => void>()
  return {
    isOnline: true,
    online() {
      return this.isOnline
    },
    openSocket: (url, protocols) => open(url, protocols) as SocketLike,
    random: () => 0,
    onWake(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    wake(reason) {
      if (reason !== 'awake') this.isOnline = reason === 'online'
      for (const listener of [...listeners]) listener(reason)
    },
  }
}

/** Waits for a fact, with one deadline for all of them. */
export async function until<T>(fact: () => T | Promise<T>, deadlineMs = 5_000): Promise<NonNullable<T>> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const value = await fact()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited in vain for ${fact}`)
    await new Promise((done) => setTimeout(done, 5))
  }
}
