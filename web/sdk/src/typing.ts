/** Says that the person types: at the first key, again while it goes on, and that it ended. */
import { type Moment, msSince, now } from './env'

const repeatMs = 3_000
const idleMs = 2_000

export interface TypingSender {
  input(is_typing: boolean): void
  stop(): void
}

export function createTypingSender(send: (is_typing: boolean) => void): TypingSender {
  let saidAt: Moment | null = null
  let idle: ReturnType<typeof setTimeout> | undefined

  function stop(): void {
    clearTimeout(idle)
    if (!saidAt) return
    saidAt = null
    send(false)
  }

  return {
    stop,
    input(is_typing) {
      if (!is_typing) return stop()
      clearTimeout(idle)
      idle = setTimeout(stop, idleMs)
      if (saidAt && msSince(saidAt) < repeatMs) return
      saidAt = now()
      send(true)
    },
  }
}
