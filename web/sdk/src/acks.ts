/** Messages handed to a connection and not yet answered: what becomes of each, for the outbox. */
import { passes } from './api'
import type { Delivery, Entry, Outcome } from './entries'
import type { ServerFrame } from './protocol.gen'
import type { OutFrame } from './socket'

const patienceMs = 10_000
/** Frames over 64 KiB close the connection (1009), and the same text would close the next one. */
const frameBytesMax = 65_000

export interface Acks {
  deliver(entry: Entry, delivery: Delivery): Promise<Outcome>
  /** Takes an `ack`, or an `error` about a message. */
  answer(frame: Extract<ServerFrame, { type: 'ack' | 'error' }>): void
  settle(client_id: string, outcome: Outcome): void
  down(): void
}

export function createAcks(room_id: number, send: (frame: OutFrame) => boolean): Acks {
  const waiting = new Map<string, (outcome: Outcome) => void>()

  function deliver({ text, client_id, if_last_seq }: Entry, { signal }: Delivery): Promise<Outcome> {
    const frame: OutFrame = { type: 'chat_message', message: text, client_id }
    if (if_last_seq !== undefined) frame.if_last_seq = if_last_seq
    if (new TextEncoder().encode(JSON.stringify(frame)).length > frameBytesMax) {
      return Promise.resolve({ type: 'refused', refusal: { code: 'too_long', message: '' } })
    }
    if (!send(frame)) return Promise.resolve({ type: 'wait' })
    return new Promise((resolve) => {
      const done = (outcome: Outcome) => {
        clearTimeout(timer)
        waiting.delete(client_id)
        resolve(outcome)
      }
      const timer = setTimeout(done, patienceMs, { type: 'again', ms: 0 })
      signal.addEventListener('abort', () => done({ type: 'again', ms: 0 }))
      waiting.set(client_id, done)
    })
  }

  const settle = (client_id: string, outcome: Outcome) => waiting.get(client_id)?.(outcome)

  return {
    deliver,
    settle,
    answer(frame) {
      if (frame.type === 'ack') return settle(frame.client_id, { type: 'stored', stored: { ...frame, room_id } })
      const { client_id, code, message, retryable, retry_after_ms } = frame
      if (client_id === undefined) return
      if (retryable || passes(code)) settle(client_id, { type: 'again', code, ms: retry_after_ms })
      // The connection sees to the token; the message is as good as before.
      else if (code === 'unauthorized') settle(client_id, { type: 'again' })
      else settle(client_id, { type: 'refused', refusal: { code, message } })
    },
    down() {
      for (const done of [...waiting.values()]) done({ type: 'wait' })
    },
  }
}
