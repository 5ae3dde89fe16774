/** Says that messages were read, and only when they were: the tab is visible and the list stands at its end. */
import type { RoomState } from '@frontdesk/sdk'
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from 'react'
import { newestTheirs } from './unread'
import { distanceFromBottom } from './useAnchoredScroll'

/** What arrives together is read together; also keeps the state from changing inside React's effects. */
const batch_ms = 100
/** The newest message is in view although the list is not scrolled to its last pixel. */
const bottom_px = 40

export function useReadMark(
  state: RoomState,
  logRef: RefObject<HTMLElement | null>,
  read: (message_id: number) => void,
): void {
  const told = useRef(0)
  const newest = state.phase === 'ready' ? newestTheirs(state)?.id : undefined

  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const latest = useRef(() => {})

  latest.current = () => {
    const log = logRef.current
    if (newest === undefined || newest <= told.current || !log) return
    // A list in a hidden pane has no height.
    const seen = document.visibilityState === 'visible' && log.clientHeight > 0 && distanceFromBottom(log) <= bottom_px
    if (!seen) return
    told.current = newest
    read(newest)
  }
  const check = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      latest.current()
    }, batch_ms)
  }, [])

  // Whoever leaves at once has seen it, too: said while the list is still there.
  useLayoutEffect(
    () => () => {
      if (timer.current === undefined) return
      clearTimeout(timer.current)
      timer.current = undefined
      latest.current()
    },
    [],
  )

  // Whenever another message is the newest.
  useEffect(check, [check, newest])
  useEffect(() => {
    const log = logRef.current
    const observer = new ResizeObserver(check)
    if (log) observer.observe(log)
    log?.addEventListener('scroll', check, { passive: true })
    document.addEventListener('visibilitychange', check)
    return () => {
      observer.disconnect()
      log?.removeEventListener('scroll', check)
      document.removeEventListener('visibilitychange', check)
    }
  }, [check, logRef])
}
