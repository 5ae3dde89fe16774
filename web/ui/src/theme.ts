/** Light, dark, or as the system is. A kept choice is applied before the first render, so nothing flashes. */
import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const storageKey = 'frontdesk.theme'
const listeners = new Set<() => void>()
let theme: Theme = 'system'

function kept(): Theme {
  try {
    const value = localStorage.getItem(storageKey)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

function apply(next: Theme): void {
  theme = next
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  for (const listener of listeners) listener()
}

export function startTheme(): void {
  apply(kept())
  addEventListener('storage', (event) => {
    if (event.key === storageKey) apply(kept())
  })
}

export function setTheme(next: Theme): void {
  apply(next)
  try {
    if (next === 'system') localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, next)
  } catch {
    // Storage is forbidden: the choice holds for this page only.
  }
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => theme)
