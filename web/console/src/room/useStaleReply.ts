/**
 * Whether a reply is behind: the user wrote after it was begun. Known here before it goes, or told by the server when it
 * came too late. Where a reply was begun is kept with its draft.
 */
import { type ComposerHandle, isTheirs, newestTheirs, readDraft, sinceKey, useDraft, writeDraft } from '@frontdesk/ui'
import { type RefObject, useEffect, useState } from 'react'
import type { OpenRoom } from './useOpenRoom'

export interface StaleReply {
  /** Messages that the reply does not know of; 0: it may go, or was not tried yet. */
  count: number
  /** Brings them into view, and a reply that was refused back into the field. */
  show(): void
  sendAnyway(): void
}

interface Guard extends StaleReply {
  mayGo(): boolean
  /** The newest message that the reply knows of, for the server to judge by. */
  known(): { if_last_seq?: number }
}

export function useStaleReply(
  { handle, state }: OpenRoom,
  draftKey: string,
  composer: RefObject<ComposerHandle | null>,
): Guard {
  const key = sinceKey(draftKey)
  const isBegun = useDraft(draftKey) !== ''
  const since = seqOf(useDraft(key), state.epoch)
  const [isHeld, setHeld] = useState(false)
  const newest = newestTheirs(state)?.seq ?? 0
  const knows = (seq: number) => writeDraft(key, `${seq} ${state.epoch}`)

  const isKnown = state.phase === 'ready' && state.epoch !== null
  useEffect(() => {
    if (!isBegun) {
      setHeld(false)
      writeDraft(key, '')
    } else if (isKnown && since === null) knows(newest)
  }, [isBegun, isKnown, since === null])

  const refused = state.messages.find((message) => message.state === 'failed' && message.error?.code === 'stale')
  const unknown = (seq: number) =>
    state.messages.filter((message) => isTheirs(state, message) && (message.seq ?? 0) > seq)
  const news = unknown(refused?.if_last_seq ?? since ?? newest)
  const isShown = refused !== undefined || (isHeld && news.length > 0)

  return {
    // The refusal may come before the message that was its reason.
    count: isShown ? Math.max(1, news.length) : 0,
    show() {
      const seq = news[0]?.seq ?? newest
      const rows = [...document.querySelectorAll<HTMLElement>('[data-pane="room"] [data-seq]')]
      rows.find((row) => Number(row.dataset.seq) >= seq)?.scrollIntoView({ block: 'nearest' })
      setHeld(false)
      knows(newest)
      if (!refused) return composer.current?.focus()
      handle.discard(refused.key)
      composer.current?.bringBack(refused.message)
    },
    sendAnyway() {
      if (refused) return handle.retry(refused.key)
      // Whatever else comes until it is there.
      writeDraft(key, '')
      composer.current?.send()
    },
    mayGo() {
      const isBehind = since !== null && unknown(since).length > 0
      setHeld(isBehind)
      return !isBehind
    },
    known() {
      const seq = seqOf(readDraft(key), state.epoch)
      return seq === null ? {} : { if_last_seq: seq }
    },
  }
}

/** Seqs of another history say nothing. */
function seqOf(kept: string, epoch: string | null): number | null {
  const [seq, of] = kept.split(' ')
  return kept !== '' && of === epoch ? Number(seq) : null
}
