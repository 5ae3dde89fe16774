/**
 * Which of an account's tabs sends: the one that holds a Web Lock. A tab that is frozen keeps its lock, so who waits in
 * vain asks, and takes the lock from one that does not answer. Two that both believe to lead for a moment do no harm.
 */

const answerMs = 1_000
const askAgainMs = 3_000

export type LeaderNews = { type: 'ask'; room_id: number } | { type: 'here' }

export interface LeaderOptions {
  name: string
  tell: (news: LeaderNews) => void
  /** A room in which something waits that this tab could send. */
  waits: () => number | undefined
  /** Whether this tab could send to a room now. */
  ready: (room_id: number) => boolean
  /** Reads what the tab that led before has left. */
  prepare: () => Promise<unknown>
  onLead: () => void
  onLost: () => void
}

export interface Leader {
  leads(): boolean
  /** Stands in line; `alone`: nobody else sees what waits here. */
  stand(alone: boolean): void
  /** Makes sure that somebody sends. */
  ask(): void
  hear(news: LeaderNews): void
  close(): void
}

export function createLeader({ name, tell, waits, ready, prepare, onLead, onLost }: LeaderOptions): Leader {
  const locks = globalThis.navigator?.locks
  let turn: AbortController | null = null
  let leads = false
  let asking: ReturnType<typeof setTimeout> | undefined

  function lead(): void {
    leads = true
    clearTimeout(asking)
    asking = undefined
    // Who asked at the same time need not take over too.
    tell({ type: 'here' })
    onLead()
  }

  function stand(steal: boolean): void {
    turn?.abort()
    const mine = new AbortController()
    turn = mine
    const hold = async () => {
      await prepare()
      if (turn !== mine) return
      lead()
      await new Promise((release) => mine.signal.addEventListener('abort', release))
    }
    locks!.request(name, steal ? { steal } : { signal: mine.signal }, hold).catch((error) => {
      if (turn !== mine) return
      // Some browsers refuse locks altogether.
      if (error.name !== 'AbortError') return lead()
      leads = false
      onLost()
      stand(false)
    })
  }

  function askIn(ms: number, act: () => void): void {
    clearTimeout(asking)
    asking = setTimeout(() => {
      asking = undefined
      if (turn && waits() !== undefined) act()
    }, ms)
  }

  function ask(): void {
    const room_id = waits()
    if (!turn || leads || asking !== undefined || room_id === undefined) return
    tell({ type: 'ask', room_id })
    askIn(answerMs, () => stand(true))
  }

  return {
    leads: () => leads,
    ask,
    stand(alone) {
      if (alone || !locks) return lead()
      stand(false)
      ask()
    },
    hear(news) {
      if (news.type === 'here') {
        if (asking !== undefined) askIn(askAgainMs, ask)
      } else if (leads && ready(news.room_id)) tell({ type: 'here' })
    },
    close() {
      clearTimeout(asking)
      const mine = turn
      turn = null
      mine?.abort()
    },
  }
}
