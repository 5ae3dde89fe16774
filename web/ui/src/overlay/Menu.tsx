/** A button that opens a list of choices: arrows, Home and End move, Esc and a click elsewhere close. */
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { IconButton, type IconName } from '../Icon'
import { MenuList } from '../later/parts'
import './overlay.css'

export interface MenuChoice {
  kind: 'choice'
  label: string
  icon?: IconName
  danger?: boolean
  /** Given for one of several that exclude each other. */
  checked?: boolean
  /** The words' own language, if it is not the page's. */
  lang?: string
  onSelect: () => void
}
/** An entry as it is drawn. */
export type MenuLine = MenuChoice | { kind: 'caption'; label: string } | { kind: 'line' }
/** `preferences` stands for the lines of language and appearance. */
export type MenuEntry = MenuLine | { kind: 'preferences' }

export interface MenuProps {
  icon?: IconName
  label: string
  entries: MenuEntry[]
  /** Instead of an icon button. */
  face?: ReactNode
  /** Where the list opens. */
  placement?: 'below' | 'above'
}

export function Menu({ icon = 'more', label, entries, face, placement = 'below' }: MenuProps) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    if (!open) return
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    addEventListener('pointerdown', outside)
    return () => removeEventListener('pointerdown', outside)
  }, [open])

  const close = () => {
    setOpen(false)
    button.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && open) {
      event.stopPropagation()
      close()
    }
    if (event.key === 'Tab') setOpen(false)
  }
  const trigger = {
    ref: button,
    'aria-haspopup': 'menu',
    'aria-expanded': open,
    onClick: () => setOpen(!open),
  } as const
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the keys of the items inside
    <div className={`menu ${placement}`} ref={root} onKeyDown={onKeyDown}>
      {face ? (
        <button type="button" className="face" aria-label={label} title={label} {...trigger}>
          {face}
        </button>
      ) : (
        <IconButton icon={icon} label={label} {...trigger} />
      )}
      {open && <MenuList label={label} entries={entries} onDone={close} />}
    </div>
  )
}
