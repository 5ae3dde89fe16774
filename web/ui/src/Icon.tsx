/** The icons: a 20 px box, 1.5 px lines, round ends. And the button that is nothing but an icon. */
import type { ButtonHTMLAttributes, Ref } from 'react'

const shapes = {
  alert: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6.5v4M10 13.4v.1',
  back: 'M12 5.5L7.5 10l4.5 4.5',
  bell: 'M10 3a4.6 4.6 0 0 1 4.6 4.6c0 3.2.7 4.6 1.6 5.6H3.8c.9-1 1.6-2.4 1.6-5.6A4.6 4.6 0 0 1 10 3zM8.3 16a1.8 1.8 0 0 0 3.4 0',
  check: 'M4.5 10.5L8 14l7.5-8',
  clip: 'M15.8 9.6l-5.6 5.6a3.6 3.6 0 0 1-5.1-5.1l6.2-6.2a2.4 2.4 0 0 1 3.4 3.4l-6 6a1.2 1.2 0 0 1-1.7-1.7l5.2-5.2',
  clock: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6v4.2l2.6 1.6',
  compose: 'M9.5 4h-4a2 2 0 0 0-2 2v8.5a2 2 0 0 0 2 2H14a2 2 0 0 0 2-2v-4M15 2.8L17.2 5l-6.7 6.7-2.8.6.6-2.8z',
  copy: 'M8.8 7h5.9a1.8 1.8 0 0 1 1.8 1.8v5.9a1.8 1.8 0 0 1-1.8 1.8H8.8A1.8 1.8 0 0 1 7 14.7V8.8A1.8 1.8 0 0 1 8.8 7zM13 4.5a1.5 1.5 0 0 0-1.5-1H5A1.5 1.5 0 0 0 3.5 5v6.5a1.5 1.5 0 0 0 1 1.5',
  done: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM6.9 10.3l2.2 2.2 4-4.6',
  down: 'M5.5 8l4.5 4.5L14.5 8',
  arrowDown: 'M10 4v11.5M5 10.8l5 5 5-5',
  arrowUp: 'M10 16V4.5M5 9.2l5-5 5 5',
  download: 'M10 3.5v9M6 9l4 4 4-4M4 16.5h12',
  filter: 'M4 6h12M6.5 10h7M8.5 14h3',
  globe: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM3 10h14M10 3c2 2 2.8 4.4 2.8 7S12 15 10 17c-2-2-2.8-4.4-2.8-7S8 5 10 3z',
  image:
    'M5 4h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM7.3 6.9a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6zM3.5 14.5l4-3.8 3 2.8 2.5-2.2 3.5 3',
  inbox:
    'M3 11.5l2-6.6A1.5 1.5 0 0 1 6.4 3.8h7.2A1.5 1.5 0 0 1 15 4.9l2 6.6v3a1.7 1.7 0 0 1-1.7 1.7H4.7A1.7 1.7 0 0 1 3 14.5zM3 11.5h4a3 3 0 0 0 6 0h4',
  lock: 'M6.5 9h7a2 2 0 0 1 2 2v3.5a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2V11a2 2 0 0 1 2-2zM7 9V6.8a3 3 0 0 1 6 0V9',
  moon: 'M16.5 11.8A6.8 6.8 0 1 1 8.2 3.5a5.4 5.4 0 0 0 8.3 8.3z',
  more: 'M4.6 10h.01M10 10h.01M15.4 10h.01',
  offline:
    'M3 3l14 14M6.2 11.2a5.6 5.6 0 0 1 2-1.2M3.4 8.2a9.8 9.8 0 0 1 2.9-1.9M9.5 5.2a9.7 9.7 0 0 1 7.1 3M12.5 10.3c.5.3.9.6 1.3 1M10 14.6v.01',
  panel: 'M5 4h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM12.5 4v12',
  plus: 'M10 4.5v11M4.5 10h11',
  retry: 'M16 10a6 6 0 1 1-1.8-4.3M16.3 3v3.4h-3.4',
  search: 'M9 3.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 9 3.8zM13 13l4 4',
  signOut: 'M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M12.5 13.5L16 10l-3.5-3.5M16 10H8',
  sliders: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 12a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  sound: 'M3.5 8v4h2.8l4.2 3.4V4.6L6.3 8zM13.2 7.4a3.7 3.7 0 0 1 0 5.2M15.4 5.2a6.8 6.8 0 0 1 0 9.6',
  trash: 'M4 6h12M8 6V4.2h4V6M5.5 6l.7 9.8a1 1 0 0 0 1 .9h5.6a1 1 0 0 0 1-.9L14.5 6',
  user: 'M10 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM4 16.5c.5-3 2.8-4.7 6-4.7s5.5 1.7 6 4.7',
  x: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
} as const

export type IconName = keyof typeof shapes

/** Icons that point along the line of reading and so turn with the language. */
const turning: ReadonlySet<IconName> = new Set(['back', 'signOut', 'panel'])

export function Icon({ name, size = 20 }: { name: IconName; size?: 12 | 14 | 16 | 20 }) {
  const className = `i${size === 20 ? '' : ` i${size}`}${turning.has(name) ? ' flip' : ''}`
  return (
    <svg className={className} viewBox="0 0 20 20" aria-hidden="true">
      <path d={shapes[name]} strokeWidth={name === 'more' ? 2.4 : undefined} />
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
