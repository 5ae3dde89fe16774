/** What the address says is open, so that reload, back and a sent link work. Everything behind `#`. */
import { useSyncExternalStore } from 'react'

export type Route = { page: 'inbox' } | { page: 'you' } | { page: 'room'; room_id: number; details: boolean }

const inbox: Route = { page: 'inbox' }

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, '').replace(/\/$/, '')
  if (path === 'you') return { page: 'you' }
  const room = /^rooms\/([1-9]\d{0,15})(\/details)?$/.exec(path)
  if (room) return { page: 'room', room_id: Number(room[1]), details: room[2] !== undefined }
  return inbox
}

export function routeHash(route: Route): string {
  if (route.page === 'you') return '#/you'
  if (route.page === 'room') return `#/rooms/${route.room_id}${route.details ? '/details' : ''}`
  return '#/'
}

const listeners = new Set<() => void>()

function changed() {
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void) {
  if (listeners.size === 0) addEventListener('popstate', changed)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) removeEventListener('popstate', changed)
  }
}

export function navigate(route: Route, how: 'push' | 'replace' = 'push') {
  const hash = routeHash(route)
  if (hash === routeHash(parseRoute(location.hash))) return
  if (how === 'push') history.pushState({ from: routeHash(parseRoute(location.hash)) }, '', hash)
  else history.replaceState(history.state, '', hash)
  changed()
}

/** Goes to `route` as the back button would if it was the page before, so that "back" never grows the history. */
export function back(route: Route) {
  const state: unknown = history.state
  const from = typeof state === 'object' && state !== null && 'from' in state ? state.from : null
  if (from === routeHash(route)) history.back()
  else navigate(route, 'replace')
}

let last: { hash: string; route: Route } = { hash: '', route: inbox }

function current(): Route {
  // The same object for the same address: React compares snapshots by identity.
  if (last.hash !== location.hash) last = { hash: location.hash, route: parseRoute(location.hash) }
  return last.route
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current)
}
