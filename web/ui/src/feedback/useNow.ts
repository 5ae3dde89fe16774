/** The current time, refreshed at an interval; null: it stands still. */
import { useEffect, useState } from 'react'

export function useNow(every_ms: number | null): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (every_ms === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), every_ms)
    return () => clearInterval(timer)
  }, [every_ms])
  return now
}
