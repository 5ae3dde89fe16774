/** The icons: a 20 px box, 1.5 px lines, round ends. And the button that is nothing but an icon. */
import type { ButtonHTMLAttributes, Ref } from 'react'
import type { seldomShapes } from './seldomIcons'

const shapes = {
  alert: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6.5v4M10 13.4v.1',
  check: 'M4.5 10.5L8 14l7.5-8',
  clip: 'M15.8 9.6l-5.6 5.6a3.6 3.6 0 0 1-5.1-5.1l6.2-6.2a2.4 2.4 0 0 1 3.4 3.4l-6 6a1.2 1.2 0 0 1-1.7-1.7l5.2-5.2',
  clock: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6v4.2l2.6 1.6',
  arrowDown: 'M10 4v11.5M5 10.8l5 5 5-5',
  arrowUp: 'M10 16V4.5M5 9.2l5-5 5 5',
  lock: 'M6.5 9h7a2 2 0 0 1 2 2v3.5a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2V11a2 2 0 0 1 2-2zM7 9V6.8a3 3 0 0 1 6 0V9',
  more: 'M4.6 10h.01M10 10h.01M15.4 10h.01',
  offline:
    'M3 3l14 14M6.2 11.2a5.6 5.6 0 0 1 2-1.2M3.4 8.2a9.8 9.8 0 0 1 2.9-1.9M9.5 5.2a9.7 9.7 0 0 1 7.1 3M12.5 10.3c.5.3.9.6 1.3 1M10 14.6v.01',
  signOut: 'M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M12.5 13.5L16 10l-3.5-3.5M16 10H8',
  x: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
} as const

export type IconName = keyof typeof shapes | keyof typeof seldomShapes

const drawn: Partial<Record<IconName, string>> = { ...shapes }

/** Whoever shows one of the others brings it along. */
export function bringIcons(more: typeof seldomShapes): void {
  Object.assign(drawn, more)
}

/** Icons that point along the line of reading and so turn with the language. */
const turning: ReadonlySet<IconName> = new Set(['back', 'signOut', 'panel'])

export function Icon({ name, size = 20 }: { name: IconName; size?: 12 | 14 | 16 | 20 }) {
  const className = `i${size === 20 ? '' : ` i${size}`}${turning.has(name) ? ' flip' : ''}`
  return (
    <svg className={className} viewBox="0 0 20 20" aria-hidden="true">
      <path d={drawn[name]} strokeWidth={name === 'more' ? 2.4 : undefined} />
    </svg>
  )
}

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  icon: IconName
  /** Its name for everybody: spoken, and shown on hover. */
  label: string
  small?: boolean
  ref?: Ref<HTMLButtonElement>
}

export function IconButton({ icon, label, small, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`ib${small ? ' small' : ''} ${className}`.trim()}
      aria-label={label}
      title={label}
    >
      <Icon name={icon} />
    </button>
  )
}
