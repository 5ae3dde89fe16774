/** Which keys do what: one table for the listener, the sheet and the hints. */

export type Shortcut = 'search' | 'help' | 'next' | 'previous' | 'resolve' | 'details' | 'panes'

interface Keys {
  /** A letter is matched by its place on the keyboard, so that it works on every layout and with Alt on a Mac. */
  code?: string
  /** A sign is matched by what it types. */
  key?: string
  alt: boolean
}

/** Keys without Alt act only while no field has focus, and can be turned off. */
const bindings: Record<Shortcut, Keys[]> = {
  search: [{ key: '/', alt: false }],
  help: [{ key: '?', alt: false }],
  next: [
    { code: 'KeyJ', alt: true },
    { code: 'KeyJ', alt: false },
  ],
  previous: [
    { code: 'KeyK', alt: true },
    { code: 'KeyK', alt: false },
  ],
  resolve: [{ code: 'KeyE', alt: true }],
  details: [{ code: 'KeyO', alt: true }],
  panes: [{ key: 'F6', alt: false }],
}

export interface Press {
  key: string
  code: string
  altKey: boolean
  ctrlKey: boolean
  metaKey: boolean
  isComposing: boolean
}

/** What a key press asks for. `inField`: a text field has focus. `letters`: single letters and signs are on. */
export function shortcutOf(press: Press, inField: boolean, letters: boolean): Shortcut | null {
  if (press.ctrlKey || press.metaKey || press.isComposing) return null
  for (const [shortcut, keys] of Object.entries(bindings) as [Shortcut, Keys[]][]) {
    const hit = keys.find((k) => k.alt === press.altKey && (k.code ? k.code === press.code : k.key === press.key))
    if (!hit) continue
    const single = !hit.alt && hit.key !== 'F6'
    return single && (inField || !letters) ? null : shortcut
  }
  return null
}

export function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
}
