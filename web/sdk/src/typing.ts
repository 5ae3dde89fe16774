/** Says that the person types: at the first key, again while it goes on, and that it ended. */

const repeatMs = 3_000
const idleMs = 2_000

export interface TypingSender {
  input(is_typing: boolean): void
  stop(): void
}

export function createTypingSender(send: (is_typing: boolean) => void): TypingSender {
  let saidAt: number | null = null
  let idle: ReturnType<typeof setTimeout> | undefined

  function stop(): void {
    clearTimeout(idle)
    if (saidAt === null) return
    saidAt = null
    send(false)
  }

  return {
    stop,
    input(is_typing) {
      if (!is_typing) return stop()
      clearTimeout(idle)
      idle = setTimeout(stop, idleMs)
      if (saidAt !== null && Date.now() - saidAt < repeatMs) return
      saidAt = Date.now()
      send(true)
    },
  }
}
