/** A current value that tells when it changed: what every `Readable` of the SDK is made of. */
import type { Readable } from './types'

export interface Value<T> extends Readable<T> {
  set(next: T): void
}

export function createValue<T>(initial: T): Value<T> {
  let current = initial
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set(next) {
      if (Object.is(next, current)) return
      current = next
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      // Wrapped, so that the same function given twice counts twice.
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
