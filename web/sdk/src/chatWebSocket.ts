/**
 * The origin's service, call for call, over the v=1 protocol: what was written for it runs unchanged, and its messages
 * are neither lost nor doubled any more. A page that keeps no state of its own may prefer `createClient`.
 */
import type { TokenSource } from './api'
import { browserEnv, type Env } from './env'
import { createLine, type Line, type OriginFrame } from './line'
import { createFace, type Listener } from './socketIoFace'

export type { OriginFrame } from './line'

/** The origin's callback also hears when five attempts have failed; they go on. */
export type ChatFrame = OriginFrame | { type: 'reconnect_failed' }

export interface ChatWebSocketOptions {
  /** `https://chat.example.com`; the page's own if left out. */
  url?: string
  token?: string | (() => string | Promise<string>)
}

export interface ChatWebSocket {
  configure(options: ChatWebSocketOptions): void
  /** Connects to a room, if it is not connected, and makes it the one that the `send…` calls mean. */
  connect(room_id: number | string): void
  sendMessage(text: string): void
  sendTyping(is_typing: boolean): void
  sendReadReceipt(message_id: number): void
  /** Hears the frames of all connected rooms. Returns what stops it. */
  onMessage(callback: (data: ChatFrame) => void): () => void
  /** Closes all rooms. What was not sent yet is sent after the next `connect` to its room. */
  disconnect(): void
  /** Whether the current room is connected. */
  readonly connected: boolean
  on(event: string, listener: Listener): ChatWebSocket
  off(event: string, listener?: Listener): ChatWebSocket
  emit(event: string, ...data: unknown[]): ChatWebSocket
}

export function createChatWebSocket(env: Env = browserEnv): ChatWebSocket {
  const lines = new Map<number, Line>()
  const callbacks = new Set<(data: ChatFrame) => void>()
  /** Written before a room was named. */
  const early: string[] = []
  let options: ChatWebSocketOptions = {}
  let current: Line | null = null

  const face = createFace({
    join: connect,
    leave: (room_id) => lines.get(room_id)?.close(),
    say: (text, room_id) => (room_id === undefined ? sendMessage(text) : line(room_id).say(text)),
    typing: (is_typing, room_id) => of(room_id)?.typing(is_typing),
    read: (message_id, room_id) => of(room_id)?.read(message_id),
  })

  const of = (room_id: number | undefined) => (room_id === undefined ? current : lines.get(room_id))

  const token: TokenSource = async () => {
    const given = options.token ?? (() => localStorage.getItem('access_token') ?? '')
    return typeof given === 'string' ? given : given()
  }

  function hand(data: OriginFrame): void {
    for (const callback of [...callbacks]) callback(data)
    face.hear(data)
  }

  function line(room_id: number): Line {
    const known = lines.get(room_id)
    if (known) return known
    const made = createLine({ room_id, url: () => options.url, token, env, onFrame: hand, onEvent })
    lines.set(room_id, made)
    return made
  }

  function onEvent(event: string, ...data: unknown[]): void {
    face.fire(event, ...data)
    if (event === 'reconnect_failed') for (const callback of [...callbacks]) callback({ type: event })
  }

  function connect(room_id: number | string): void {
    current = line(Number(room_id))
    current.open()
    for (const text of early.splice(0)) current.say(text)
  }

  function sendMessage(text: string): void {
    if (current) current.say(text)
    else early.push(text)
  }

  const service: ChatWebSocket = {
    configure(next) {
      options = { ...options, ...next }
    },
    connect,
    sendMessage,
    sendTyping: (is_typing) => current?.typing(is_typing),
    sendReadReceipt: (message_id) => current?.read(message_id),
    onMessage(callback) {
      // Wrapped, so that the same function given twice counts twice.
      const own = (data: ChatFrame) => callback(data)
      callbacks.add(own)
      return () => void callbacks.delete(own)
    },
    disconnect() {
      for (const one of lines.values()) one.close()
    },
    get connected() {
      return current?.connected() ?? false
    },
    on(event, listener) {
      face.on(event, listener)
      return service
    },
    off(event, listener) {
      face.off(event, listener)
      return service
    },
    emit(event, ...data) {
      face.emit(event, ...data)
      return service
    },
  }
  return service
}

const chatWebSocket = createChatWebSocket()
export default chatWebSocket
