/** The choices of an open menu. The first one has the focus. */
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { Icon } from '../Icon'
import { preferenceEntries } from '../session/preferences'
import { useSpeech } from '../text/language'
import { useTheme } from '../theme'
import type { MenuEntry, MenuLine } from './Menu'

interface Props {
  label: string
  entries: MenuEntry[]
  onDone: () => void
}

export function MenuList({ label, entries, onDone }: Props) {
  const speech = useSpeech()
  const theme = useTheme()
  const shown = entries.flatMap((entry) => (entry.kind === 'preferences' ? preferenceEntries(speech, theme) : entry))
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus(), [])
  return (
    <div className="pop" role="menu" aria-label={label} ref={ref} onKeyDown={moveFocus}>
      {shown.map((entry, index) => (
        <Entry key={index} entry={entry} onDone={onDone} />
      ))}
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

function Entry({ entry, onDone }: { entry: MenuLine; onDone: () => void }) {
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
