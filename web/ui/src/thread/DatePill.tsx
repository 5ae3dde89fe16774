/** The day of the topmost message, floating while somebody scrolls. The day lines themselves say it to screen readers. */
import { type RefObject, useEffect, useState } from 'react'
import { dayLabel } from '../text/time'

const linger_ms = 1200

export function DatePill({ logRef }: { logRef: RefObject<HTMLElement | null> }) {
  const [at, setAt] = useState<string | null>(null)
  useEffect(() => {
    const log = logRef.current
    if (!log) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      setAt(dayAbove(log))
      clearTimeout(timer)
      timer = setTimeout(() => setAt(null), linger_ms)
    }
    // `wheel` and `touchmove` rather than `scroll`: the list also scrolls by itself when it follows new messages.
    log.addEventListener('wheel', show, { passive: true })
    log.addEventListener('touchmove', show, { passive: true })
    return () => {
      clearTimeout(timer)
      log.removeEventListener('wheel', show)
      log.removeEventListener('touchmove', show)
    }
  }, [logRef])
  return (
    <div className="datew" aria-hidden="true">
      {at && <span className="datepill">{dayLabel(at)}</span>}
    </div>
  )
}

/** The last day line that has left the view at the top. */
function dayAbove(log: HTMLElement): string | null {
  const { top } = log.getBoundingClientRect()
  let found: string | null = null
  for (const line of log.querySelectorAll<HTMLElement>('[data-day]')) {
    if (line.getBoundingClientRect().bottom > top) break
    found = line.dataset.day ?? null
  }
  return found
}
