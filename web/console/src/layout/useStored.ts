/** A small setting of this browser: kept in `localStorage`, the same in all tabs and parts of the page at once. */
import { useCallback, useSyncExternalStore } from 'react'

const prefix = 'frontdesk.console.'
const listeners = new Set<() => void>()
/** What this page wrote; all there is where storage is refused (private windows, blocked cookies). */
const written = new Map<string, string>()

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(prefix + key) ?? written.get(key) ?? null
  } catch {
    return written.get(key) ?? null
  }
}

export function writeStored(key: string, value: string) {
  written.set(key, value)
  try {
    localStorage.setItem(prefix + key, value)
  } catch {
    // Kept for the life of the page by `written`.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}

export function useStored<T extends string>(key: string, fallback: T): [T, (value: T) => void] {
  const value = useSyncExternalStore(subscribe, () => readStored(key)) as T | null
  const write = useCallback((next: T) => writeStored(key, next), [key])
  return [value ?? fallback, write]
}
