/** Messages on their way as storage keeps them, as deliveries end, and as rooms show them. */
import type { ErrorCode, Message } from './protocol.gen'
import type { SendState, Upload } from './types'

export interface Entry {
  /** Its place among all; the first client id. */
  order: string
  client_id: string
  room_id: number
  text: string
  created_at: string
  if_last_seq?: number
  files?: File[]
  failed?: Refusal
  /** The person stopped its upload. */
  stopped?: boolean
}

export interface Refusal {
  code: ErrorCode | 'network'
  message: string
}

/** An entry as rooms show it. */
export interface Waiting extends Entry {
  state: Extract<SendState, 'queued' | 'sending' | 'failed'>
  uploads: Upload[]
  /** Storage refused it: it lives as long as this page. */
  unkept?: boolean
}

export interface Delay {
  code: ErrorCode
  until: number
}

/** Where a message came to stand. */
export interface Stored {
  client_id: string
  room_id: number
  id: number
  seq: number
  created_at: string
  message?: Message
}

export type Outcome =
  | { type: 'stored'; stored: Stored }
  | { type: 'refused'; refusal: Refusal }
  /** To be sent again: after `ms`, or after the outbox's own back-off. */
  | { type: 'again'; code?: ErrorCode; ms?: number }
  /** The connection went meanwhile: `kick` tells when there is one. */
  | { type: 'wait' }

export interface Delivery {
  signal: AbortSignal
  onProgress: (sentBytes: number) => void
}

/** What is going on with an entry right now; not worth keeping. */
export interface Live {
  sentBytes: number
}

/** `blob:` URLs of images that wait, one for each file. */
export interface Previews {
  url(file: File): string | undefined
  /** These, or all. */
  forget(files?: Iterable<File>): void
}

export function createPreviews(): Previews {
  const urls = new Map<File, string>()
  return {
    forget(files = [...urls.keys()]) {
      for (const file of files) {
        URL.revokeObjectURL(urls.get(file) ?? '')
        urls.delete(file)
      }
    },
    url(file) {
      if (!file.type.startsWith('image/')) return undefined
      const url = urls.get(file) ?? URL.createObjectURL(file)
      urls.set(file, url)
      return url
    },
  }
}

export function shownEntry(entry: Entry, live: Live | undefined, previews: Previews): Waiting {
  const state = entry.failed || entry.stopped ? 'failed' : live ? 'sending' : 'queued'
  return { ...entry, state, uploads: shownUploads(entry, live, previews) }
}

/** Files travel in one body, one after another: what was sent belongs to the first ones. */
function shownUploads(entry: Entry, live: Live | undefined, previews: Previews): Upload[] {
  let left = live?.sentBytes ?? 0
  return (entry.files ?? []).map((file) => {
    const sent = Math.min(left, file.size)
    left -= sent
    const upload: Upload = { name: file.name, size: file.size, content_type: file.type, sent, state: 'waiting' }
    if (entry.failed) Object.assign(upload, { state: 'failed', error: entry.failed.code })
    else if (entry.stopped) upload.state = 'stopped'
    else if (live) upload.state = sent === file.size ? 'done' : 'uploading'
    const preview_url = previews.url(file)
    return preview_url === undefined ? upload : { ...upload, preview_url }
  })
}

/** Keeps the object, and its files, while nothing changed: identity is what previews and lists go by. */
export function newer(before: Entry | undefined, read: Entry): Entry {
  if (!before) return read
  const same =
    before.client_id === read.client_id && before.stopped === read.stopped && before.failed?.code === read.failed?.code
  if (same) return before
  return before.files ? { ...read, files: before.files } : read
}
