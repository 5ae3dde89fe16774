/** Of all the console's tabs one rings, and none does for what is being looked at in another. */

const name = 'frontdesk.console.sound'

/** How long a tab that shows the message has to say so before the leader rings. */
const attention_ms = 500

/** How long "it was seen" is remembered: the same message may reach this tab later than the other. */
const attended_kept_ms = 10_000

export interface Bell {
  /** A message came; `attended` is whether this tab shows it to somebody. */
  arrived(message_id: number, attended: boolean): void
  close(): void
}

export function createBell(ring: () => void): Bell {
  const controller = new AbortController()
  const channel = new BroadcastChannel(name)
  const attended = new Set<number>()
  // Over plain HTTP there are no locks: then each tab rings for itself.
  let leads = !('locks' in navigator)

  channel.onmessage = (event: MessageEvent<number>) => {
    attended.add(event.data)
    setTimeout(() => attended.delete(event.data), attended_kept_ms)
  }
  if (!leads)
    navigator.locks
      .request(name, { signal: controller.signal }, () => {
        // Closed while the lock was on its way: it is for the next in line.
        if (controller.signal.aborted) return
        leads = true
        // Held until the tab goes or the console closes; then another tab leads.
        return new Promise<void>((release) => controller.signal.addEventListener('abort', () => release()))
      })
      .catch(() => undefined) // Aborted while it waited: the console was closed.

  return {
    arrived(message_id, isAttended) {
      if (isAttended) channel.postMessage(message_id)
      else if (leads)
        setTimeout(() => {
          if (!attended.has(message_id)) ring()
        }, attention_ms)
    },
    close() {
      controller.abort()
      channel.close()
    },
  }
}
