/** A person as a disc with initials, coloured by id, with a presence dot. */
import type { CSSProperties } from 'react'
import './Avatar.css'

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const initial = (word: string) => {
  for (const { segment } of graphemes.segment(word)) return segment.toLocaleUpperCase()
  return ''
}

/** First letters of the first and the last word; one letter where the script has no initials. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean)
  const first = initial(words[0] ?? '')
  const last = words.length > 1 ? initial(words.at(-1) ?? '') : ''
  return /^\p{Script=Latin}|^\p{Script=Cyrillic}|^\p{Script=Greek}/u.test(first) ? first + last : first
}

/** What users call somebody. */
export const firstName = (name: string): string => name.trim().split(/\s+/u)[0] ?? name

export interface AvatarProps {
  id: number
  name: string
  size?: number
  presence?: 'online' | 'away' | null
}

/** Decoration, so drawn by CSS and no text of the page: the name always stands beside it or in the control's label. */
export function Avatar({ id, name, size = 40, presence = null }: AvatarProps) {
  const tint = ((id % 8) + 8) % 8
  const style = {
    '--s': `${size}px`,
    '--d': `${size >= 48 ? 14 : size >= 32 ? 10 : 8}px`,
    '--b': `var(--fd-av-${tint})`,
    '--c': `var(--fd-av-${tint}-ink)`,
  } as CSSProperties
  return (
    <span className="av" style={style} data-initials={initials(name)} aria-hidden="true">
      {presence && <b className={presence} />}
    </span>
  )
}

/** A few people overlapping. */
export function AvatarStack({
  people,
  size = 36,
  online,
}: {
  people: { id: number; name: string }[]
  size?: number
  online: boolean
}) {
  return (
    <span className="stack">
      {people.map((person, index) => (
        <Avatar
          key={person.id}
          {...person}
          size={size}
          presence={online && index === people.length - 1 ? 'online' : null}
        />
      ))}
    </span>
  )
}
