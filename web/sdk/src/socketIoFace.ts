/** The names that code written for socket.io uses, and what they mean here. The table is in the README. */
import type { OriginFrame } from './line'

// biome-ignore lint/suspicious/noExplicitAny: old listeners declare whatever they like
export type Listener = (...data: any[]) => void

export interface FaceVerbs {
  join(room_id: number): void
  leave(room_id: number): void
  say(text: string, room_id?: number): void
  typing(is_typing: boolean, room_id?: number): void
  read(message_id: number, room_id?: number): void
}

export interface Face {
  on(event: string, listener: Listener): void
  off(event: string, listener?: Listener): void
  emit(event: string, ...data: unknown[]): void
  /** Tells listeners. */
  fire(event: string, ...data: unknown[]): void
  hear(frame: OriginFrame): void
}

export function createFace(verbs: FaceVerbs): Face {
  const listeners = new Map<string, Set<Listener>>()

  function fire(event: string, ...data: unknown[]): void {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(...data)
  }

  return {
    fire,
    on(event, listener) {
      const known = listeners.get(event) ?? new Set()
      listeners.set(event, known.add(listener))
    },
    off(event, listener) {
      if (listener) listeners.get(event)?.delete(listener)
      else listeners.delete(event)
    },
    hear(frame) {
      for (const event of eventsOf(frame)) fire(event, frame)
    },
    emit(event, ...data) {
      const [first] = data
      const room_id = numberIn(first, 'room_id', 'roomId', 'room')
      switch (event) {
        case 'join_room':
        case 'join':
          return withNumber(room_id ?? Number(first), verbs.join)
        case 'leave_room':
          return withNumber(room_id ?? Number(first), verbs.leave)
        case 'send_message':
        case 'message':
          return verbs.say(textIn(first), room_id)
        case 'typing':
          return verbs.typing(isTyping(first), room_id)
        case 'stop_typing':
          return verbs.typing(false, room_id)
        case 'mark_read':
        case 'read_receipt': {
          const id = numberIn(first, 'message_id', 'messageId', 'id') ?? Number(first)
          return withNumber(id, (message_id) => verbs.read(message_id, room_id))
        }
      }
    },
  }
}

function eventsOf(frame: OriginFrame): string[] {
  switch (frame.type) {
    case 'chat_message':
      return ['chat_message', 'message', 'new_message', 'receive_message']
    case 'typing':
      return frame.is_typing ? ['typing'] : ['typing', 'stop_typing']
    case 'read_receipt':
      return ['read_receipt', 'messages_read']
    case 'user_status':
      return ['user_status', `user_${frame.status}`]
    case 'error':
      return ['error']
  }
}

function field(data: unknown, ...names: string[]): unknown {
  if (typeof data !== 'object' || data === null) return undefined
  return names.map((name) => (data as Record<string, unknown>)[name]).find((value) => value !== undefined)
}

function numberIn(data: unknown, ...names: string[]): number | undefined {
  const value = field(data, ...names)
  return value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value)
}

const textIn = (data: unknown) =>
  String(typeof data === 'string' ? data : (field(data, 'message', 'text', 'content') ?? ''))

/** `emit('typing')` alone, or with only a room, means that typing began. */
function isTyping(data: unknown): boolean {
  if (typeof data === 'boolean') return data
  return field(data, 'is_typing', 'isTyping', 'typing') !== false
}

function withNumber(value: number, run: (value: number) => void): void {
  if (Number.isFinite(value)) run(value)
}
