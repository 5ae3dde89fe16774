/** The admins' list of rooms, kept current: frames of the inbox connection, pages and counts over HTTP. */
import type { Api } from './api'
import { applyInbox, emptyInbox, type InboxModel, withFilter, withRoomPage } from './inboxState'
import { limits, type RoomPage, type RoomsSummary, type ServerFrame } from './protocol.gen'
import type { InboxFilter, InboxHandle } from './types'
import { createValue } from './value'

/** How soon counts are asked for again after a change that could not be counted here … */
const recountSoonMs = 1_000
/** … and after any other, since a room that is only made is told by nobody. */
const recountLaterMs = 10_000
const moreAgainMs = 2_000
const pageMost = 200
/** Anything more waits for the last letter. */
const searchAfterMs = 200

export interface Inbox {
  readonly handle: InboxHandle
  receive(frame: ServerFrame): void
  resumePoint(): { after: string; epoch: string } | null
  dispose(): void
}

export function createInbox(api: Api): Inbox {
  let model = emptyInbox()
  const view = createValue(model.view)
  const typingTimers = new Map<string, ReturnType<typeof setTimeout>>()
  let loads = 0
  let loading: Promise<void> | null = null
  let recountTimer: ReturnType<typeof setTimeout> | undefined
  let recountAt = Number.POSITIVE_INFINITY
  let moreTimer: ReturnType<typeof setTimeout> | undefined
  let searchTimer: ReturnType<typeof setTimeout> | undefined

  function set(next: InboxModel): void {
    model = next
    view.set(next.view)
  }

  function recountIn(ms: number): void {
    if (Date.now() + ms >= recountAt) return
    clearTimeout(recountTimer)
    recountAt = Date.now() + ms
    recountTimer = setTimeout(recount, ms)
  }

  async function recount(): Promise<void> {
    recountAt = Number.POSITIVE_INFINITY
    model = { ...model, summary_is_stale: false }
    const summary = await api.call<RoomsSummary>('GET', '/api/chat/rooms/summary/').catch(() => null)
    if (summary) set({ ...model, view: { ...model.view, summary } })
  }

  function path(cursor: string | null): string {
    const { q, show } = model.view.filter
    const query = new URLSearchParams()
    if (q.trim()) query.set('q', q.trim())
    if (show === 'unread') query.set('unread', '1')
    else if (show !== 'all') query.set('status', show)
    if (cursor) query.set('cursor', cursor)
    return `/api/chat/rooms/?${query}`
  }

  function load(cursor: string | null): Promise<void> {
    const mine = ++loads
    const run = async () => {
      try {
        const page = await api.call<RoomPage>('GET', path(cursor))
        if (mine === loads) set(withRoomPage(model, page, cursor === null))
      } catch {
        if (mine !== loads) return
        const phase = model.cursor === undefined ? 'failed' : 'ready'
        set({ ...model, view: { ...model.view, phase } })
        // Lists ask again as soon as they may: not at once.
        const mayAsk = () => mine === loads && set({ ...model, view: { ...model.view, loading_more: false } })
        moreTimer = setTimeout(mayAsk, moreAgainMs)
      }
    }
    loading = run()
    return loading
  }

  async function loadMore(): Promise<void> {
    if (model.view.loading_more || !model.view.has_more || !model.cursor) return loading ?? undefined
    set({ ...model, view: { ...model.view, loading_more: true } })
    await load(model.cursor)
  }

  function setFilter(change: Partial<InboxFilter>): void {
    const isSearch = change.q !== undefined && change.q !== model.view.filter.q
    if (!isSearch && (change.show ?? model.view.filter.show) === model.view.filter.show) return
    loads++
    set(withFilter(model, change))
    clearTimeout(searchTimer)
    searchTimer = setTimeout(() => void load(null), isSearch ? searchAfterMs : 0)
  }

  function receive(frame: ServerFrame): void {
    set(applyInbox(model, frame))
    // The list was begun before the server told what is new: once more, so that nothing falls in between.
    if (frame.type === 'ready') void (frame.resume === 'complete' ? askWhoIsHere() : load(null))
    if (frame.type === 'room_summary') recountIn(model.summary_is_stale ? recountSoonMs : recountLaterMs)
    if (frame.type === 'typing') expireTyping(frame)
  }

  /** Comings and goings are told as they happen, and to nobody later: after a pause they are read from the list. */
  async function askWhoIsHere(): Promise<void> {
    const mine = loads
    let cursor: string | null = null
    let left = model.view.rooms.length
    do {
      const page: RoomPage | null = await api
        .call<RoomPage>('GET', `${path(cursor)}&limit=${pageMost}`)
        .catch(() => null)
      if (!page || mine !== loads) return
      for (const { id: room_id, user, online, last_seen } of page.results) {
        if (model.known.get(room_id)?.online === online) continue
        const status = online ? 'online' : 'offline'
        set(applyInbox(model, { type: 'user_status', room_id, user_id: user.id, role: 'user', status, last_seen }))
      }
      left -= page.results.length
      cursor = page.next
    } while (cursor && left > 0)
  }

  function expireTyping(frame: Extract<ServerFrame, { type: 'typing' }>): void {
    const key = `${frame.room_id}.${frame.user_id}`
    clearTimeout(typingTimers.get(key))
    typingTimers.delete(key)
    if (!frame.is_typing) return
    const over = () => set(applyInbox(model, { ...frame, is_typing: false }))
    typingTimers.set(key, setTimeout(over, limits.typing_ms + 1_000))
  }

  void load(null)

  return {
    receive,
    resumePoint: () =>
      model.version !== null && model.epoch !== null && model.cursor !== undefined
        ? { after: model.version, epoch: model.epoch }
        : null,
    handle: {
      get: view.get,
      subscribe: view.subscribe,
      setFilter,
      loadMore,
      reload: () => load(null),
    },
    dispose() {
      loads++
      clearTimeout(recountTimer)
      clearTimeout(searchTimer)
      clearTimeout(moreTimer)
      for (const timer of typingTimers.values()) clearTimeout(timer)
    },
  }
}
