/**
 * Parts of a page that are loaded when they are needed, or before, when the browser has nothing else to do. One that
 * cannot be had leaves the rest as it is: it is asked for again, and `MissingParts` tells the person.
 */
import { type ComponentType, createElement, type ReactNode, useEffect, useSyncExternalStore } from 'react'

const again_first_ms = 1000
const again_longest_ms = 30_000
/** Where browsers do not say when they are idle. */
const idle_ms = 1000

/** All that can be loaded, to have it ready. */
const parts = new Set<() => Promise<unknown>>()
/** Wanted on the screen, and failed at least once. */
const missing = new Set<() => Promise<unknown>>()
const listeners = new Set<() => void>()

const tell = () => {
  for (const listener of [...listeners]) listener()
}
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** A component that is loaded by its first use; `waiting` stands in its place meanwhile. */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  waiting: ReactNode = null,
): ComponentType<Props> {
  let part: ComponentType<Props> | undefined
  let loading: Promise<void> | undefined
  const fetchOnce = () => {
    loading ??= load().then(
      (loaded) => {
        part = loaded
        tell()
      },
      (error) => {
        loading = undefined
        throw error
      },
    )
    return loading
  }
  parts.add(fetchOnce)

  return function Later(props: Props) {
    const loaded = useSyncExternalStore(subscribe, () => part)
    useEffect(() => (loaded ? undefined : insist(fetchOnce)), [loaded])
    return loaded ? createElement(loaded, props) : waiting
  }
}

/** Asks until it is there or nobody wants it any more. */
function insist(fetchOnce: () => Promise<unknown>): () => void {
  let attempt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let current = true
  const ask = () => {
    clearTimeout(timer)
    fetchOnce().catch(() => {
      if (!current) return
      missing.add(fetchOnce)
      tell()
      timer = setTimeout(ask, Math.min(again_longest_ms, again_first_ms * 2 ** attempt++))
    })
  }
  ask()
  addEventListener('online', ask)
  return () => {
    current = false
    clearTimeout(timer)
    removeEventListener('online', ask)
    if (missing.delete(fetchOnce)) tell()
  }
}

/** Whether something on the screen waits for a part that could not be loaded. */
export const useMissing = (): boolean => useSyncExternalStore(subscribe, () => missing.size > 0)

/** Loads what is not there yet. What fails is asked for again when it is needed. */
export const loadParts = (): Promise<unknown> => Promise.allSettled([...parts].map((load) => load()))

/** Once what the person came for is there: so that nobody waits at a press. */
export function useReadyParts(isReady: boolean): void {
  useEffect(() => {
    if (!isReady) return
    if (!globalThis.requestIdleCallback) {
      const timer = setTimeout(loadParts, idle_ms)
      return () => clearTimeout(timer)
    }
    const handle = requestIdleCallback(loadParts)
    return () => cancelIdleCallback(handle)
  }, [isReady])
}
