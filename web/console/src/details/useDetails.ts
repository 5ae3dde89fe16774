/** Whether the details are open: a kept choice where they have a place of their own, else a step in the history. */
import { useEffect, useEffectEvent } from 'react'
import { useShortcuts } from '../keyboard/useShortcuts'
import { useStored } from '../layout/useStored'
import { back, navigate, type Route } from '../route'

export interface DetailsSwitch {
  open: boolean
  toggle(): void
  close(): void
}

export function useDetails(route: Route, wide: boolean): DetailsSwitch {
  const [kept, keep] = useStored<'open' | 'closed'>('details', 'open')
  const asked = route.page === 'room' && route.details
  const open = route.page === 'room' && (wide ? kept === 'open' : asked)

  const close = () => {
    if (wide) keep('closed')
    else if (route.page === 'room') back({ ...route, details: false })
  }
  const toggle = () => {
    if (open) close()
    else if (wide) keep('open')
    else if (route.page === 'room') navigate({ ...route, details: true })
  }
  useShortcuts(route.page === 'room' ? { details: toggle } : {})
  useDrawerFocus(open && !wide, close)
  return { open, toggle, close }
}

/** A drawer takes the focus when it opens, gives it back when it closes, and closes on Esc. */
function useDrawerFocus(over: boolean, close: () => void) {
  const closeFirst = useEffectEvent((event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open], :popover-open'))
      return
    event.preventDefault()
    // The composer behind it keeps the focus it has: one layer at a time.
    event.stopPropagation()
    close()
  })
  useEffect(() => {
    if (!over) return
    document.querySelector<HTMLElement>('[data-pane="details"] button')?.focus()
    addEventListener('keydown', closeFirst, true)
    return () => {
      removeEventListener('keydown', closeFirst, true)
      document.querySelector<HTMLElement>('[data-details-toggle]')?.focus()
    }
  }, [over])
}
