/** What was written and not sent, kept per account and room over reloads and shared by the tabs of the page. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
/** For browsers that forbid storage, and to spare reads. */
const memory = new Map<string, string>()

export const draftKey = (account: number, room_id: number | '') => `frontdesk.draft.${account}.${room_id}`

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

/** What is kept with a draft: up to where its writer knew the room. */
export const sinceKey = (key: string) => `${key}.since`

function keysOf(account: number): string[] {
  let kept: string[] = []
  try {
    kept = Object.keys(localStorage)
  } catch {
    // Nothing was kept.
  }
  const prefix = draftKey(account, '')
  return [...new Set([...memory.keys(), ...kept])].filter((key) => key.startsWith(prefix))
}

/** How many texts were begun and not sent. */
export const countDrafts = (account: number): number =>
  keysOf(account).filter((key) => /\d$/.test(key) && readDraft(key) !== '').length

/** At sign-out, after asking: the next person at this browser must not read them. */
export function forgetDrafts(account: number): void {
  for (const key of keysOf(account)) writeDraft(key, '')
}
