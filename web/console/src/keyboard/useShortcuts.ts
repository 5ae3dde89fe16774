/** Lets a part of the console answer to shortcuts while it is on screen. */
import { useEffect, useEffectEvent } from 'react'
import { useStored } from '../layout/useStored'
import { isField, type Shortcut, shortcutOf } from './shortcuts'

export function useLetters(): [boolean, (on: boolean) => void] {
  const [value, write] = useStored<'on' | 'off'>('letters', 'on')
  return [value === 'on', (on) => write(on ? 'on' : 'off')]
}

export function useShortcuts(handlers: Partial<Record<Shortcut, (event: KeyboardEvent) => void>>) {
  const [letters] = useLetters()
  const press = useEffectEvent((event: KeyboardEvent) => {
    // A dialog or popover is a layer of its own: nothing behind it moves.
    if (event.defaultPrevented || document.querySelector('dialog[open], :popover-open')) return
    const shortcut = shortcutOf(event, isField(event.target), letters)
    const handler = shortcut && handlers[shortcut]
    if (!handler) return
    event.preventDefault()
    handler(event)
  })
  useEffect(() => {
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}
