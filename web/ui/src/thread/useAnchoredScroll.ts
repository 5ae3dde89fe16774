/**
 * Where a growing list stands: at the bottom while it is pinned there, else on the rows that are being read,
 * whatever is added above, below or loads late. The browser's own anchoring is off (`overflow-anchor: none`),
 * since not every browser has it and two anchors would fight.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

export const pin_px = 100
/** Several are remembered, since the first may be deleted. */
const anchors_max = 6

/** Elements marked with `data-key` can be anchors. Keys are kept, not elements: those are made anew when groups merge. */
interface Anchor {
  key: string
  top: number
}

export interface AnchoredScroll {
  /** Within `pin_px` of the bottom, so that what arrives is followed. */
  pinned: boolean
  isPinned(): boolean
  toBottom(): void
  /** Brings a row to a quarter of the height, unless it is in view with everything below it. */
  toRow(row: Element): void
}

export const distanceFromBottom = (log: HTMLElement) => log.scrollHeight - log.scrollTop - log.clientHeight

export function useAnchoredScroll(
  logRef: RefObject<HTMLElement | null>,
  innerRef: RefObject<HTMLElement | null>,
): AnchoredScroll {
  const [pinned, setPinned] = useState(true)
  const isPinned = useRef(true)
  const anchors = useRef<Anchor[]>([])
  const lastTop = useRef(0)

  const leave = useCallback((log: HTMLElement, inner: HTMLElement) => {
    isPinned.current = false
    setPinned(false)
    lastTop.current = log.scrollTop
    anchors.current = anchorsInView(log, inner)
  }, [])

  const restore = useCallback(() => {
    const log = logRef.current
    const inner = innerRef.current
    if (!log || !inner) return
    // A busy page hears late of scrolling: what arrives first must not take the person back. A list that became shorter
    // was not scrolled; it stands at its end.
    const scrolledUp = lastTop.current - log.scrollTop > pin_px && distanceFromBottom(log) > pin_px
    if (isPinned.current && scrolledUp) return leave(log, inner)
    if (isPinned.current) {
      if (distanceFromBottom(log) > 0) log.scrollTop = log.scrollHeight
      lastTop.current = log.scrollTop
      return
    }
    for (const { key, top } of anchors.current) {
      const found = log.querySelector(`[data-key="${CSS.escape(key)}"]`)
      if (!found) continue
      const moved = found.getBoundingClientRect().top - log.getBoundingClientRect().top - top
      if (Math.abs(moved) >= 1) log.scrollTop += moved
      lastTop.current = log.scrollTop
      return
    }
  }, [logRef, innerRef, leave])

  const remember = useCallback(() => {
    const log = logRef.current
    const inner = innerRef.current
    if (!log || !inner) return
    // Only a person scrolls up. A list that grew before its observer ran is not scrolled, it is behind.
    const scrolledUp = log.scrollTop < lastTop.current - 1
    lastTop.current = log.scrollTop
    if (isPinned.current && !scrolledUp) return restore()
    if (distanceFromBottom(log) > pin_px) return leave(log, inner)
    isPinned.current = true
    setPinned(true)
    anchors.current = []
  }, [logRef, innerRef, leave, restore])

  const toBottom = useCallback(() => {
    isPinned.current = true
    setPinned(true)
    // Wherever it stands now: this is no moment to take for scrolling up.
    lastTop.current = logRef.current?.scrollTop ?? 0
    restore()
  }, [logRef, restore])

  const toRow = useCallback(
    (row: Element) => {
      const log = logRef.current
      if (!log) return
      const top = row.getBoundingClientRect().top - log.getBoundingClientRect().top
      if (top >= 0) return
      isPinned.current = false
      log.scrollTop += top - log.clientHeight / 4
      remember()
    },
    [logRef, remember],
  )

  // After every commit, before it is painted.
  useLayoutEffect(restore)

  useEffect(() => {
    const log = logRef.current
    const inner = innerRef.current
    if (!log || !inner) return
    log.addEventListener('scroll', remember, { passive: true })
    const observer = new ResizeObserver(restore)
    observer.observe(inner)
    observer.observe(log)
    return () => {
      log.removeEventListener('scroll', remember)
      observer.disconnect()
    }
  }, [logRef, innerRef, remember, restore])

  return { pinned, isPinned: () => isPinned.current, toBottom, toRow }
}

/** What is in view, from the top. Only rows in view are searched: asking inside one that the browser skips lays it out. */
function anchorsInView(log: HTMLElement, inner: HTMLElement): Anchor[] {
  const { top, bottom } = log.getBoundingClientRect()
  const found: Anchor[] = []
  for (const row of rowsFrom(inner, top)) {
    if (row.getBoundingClientRect().top >= bottom) break
    for (const element of row.querySelectorAll<HTMLElement>('[data-key]')) {
      const place = element.getBoundingClientRect()
      if (place.bottom > top) found.push({ key: element.dataset.key ?? '', top: place.top - top })
      if (found.length === anchors_max) return found
    }
  }
  return found
}

/** The rows of all blocks from a height on. */
function* rowsFrom(inner: HTMLElement, top: number): Generator<Element> {
  for (const block of inner.children) {
    if (block.getBoundingClientRect().bottom <= top) continue
    for (const row of block.children) if (row.getBoundingClientRect().bottom > top) yield row
  }
}
