/** A button that opens a list of choices: arrows, Home and End move, Esc and a click elsewhere close. */
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { Icon, IconButton, type IconName } from '../Icon'
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
export type MenuEntry = MenuChoice | { kind: 'caption'; label: string } | { kind: 'line' }

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
    root.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus()
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
    moveFocus(event)
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
      {open && (
        <div className="pop" role="menu" aria-label={label}>
          {entries.map((entry, index) => (
            <Entry key={index} entry={entry} onDone={close} />
          ))}
        </div>
      )}
    </div>
  )
}

function moveFocus(event: KeyboardEvent) {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role^=menuitem]')]
  const at = items.indexOf(document.activeElement as HTMLElement)
  const targets: Record<string, number> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  }
  const target = targets[event.key]
  if (target === undefined || items.length === 0) return
  event.preventDefault()
  items[target]?.focus()
}

function Entry({ entry, onDone }: { entry: MenuEntry; onDone: () => void }) {
  if (entry.kind === 'line') return <hr />
  if (entry.kind === 'caption') {
    return (
      <div className="cap" role="presentation">
        {entry.label}
      </div>
    )
  }
  const kind =
    entry.checked === undefined
      ? ({ role: 'menuitem' } as const)
      : ({ role: 'menuitemradio', 'aria-checked': entry.checked } as const)
  return (
    <button
      type="button"
      {...kind}
      tabIndex={-1}
      lang={entry.lang}
      className={entry.danger ? 'opt danger' : 'opt'}
      onClick={() => {
        onDone()
        entry.onSelect()
      }}
    >
      {entry.icon && <Icon name={entry.icon} />}
      <span className="grow">{entry.label}</span>
      {entry.checked && <Icon name="check" size={16} />}
    </button>
  )
}
