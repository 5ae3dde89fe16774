/** What was written and not sent, kept per account and room over reloads and shared by the tabs of the page. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
/** For browsers that forbid storage, and to spare reads. */
const memory = new Map<string, string>()

export const draftKey = (account: number, room_id: number) => `frontdesk.draft.${account}.${room_id}`

export function readDraft(key: string): string {
  const known = memory.get(key)
  if (known !== undefined) return known
  try {
    return localStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

export function writeDraft(key: string, text: string): void {
  memory.set(key, text)
  try {
    if (text) localStorage.setItem(key, text)
    else localStorage.removeItem(key)
  } catch {
    // Full or forbidden: the draft lives as long as the page.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== null && !event.key.startsWith('frontdesk.draft.')) return
    if (event.key) memory.delete(event.key)
    else memory.clear()
    listener()
  }
  listeners.add(listener)
  addEventListener('storage', onStorage)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', onStorage)
  }
}

/** A room's draft as it is now, for lists. */
export const useDraft = (key: string): string => useSyncExternalStore(subscribe, () => readDraft(key))

/** At sign-out: the next person at this browser must not read them. */
export function forgetDrafts(account: number): void {
  const prefix = `frontdesk.draft.${account}.`
  for (const key of memory.keys()) if (key.startsWith(prefix)) memory.delete(key)
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key)
  } catch {
    // Nothing was kept.
  }
}
