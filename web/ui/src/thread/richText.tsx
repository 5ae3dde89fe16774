/** Message text: links, inline code and code blocks; everything else stays as it was typed. */
import type { ReactNode } from 'react'

const block = /```(?:[\w+-]*\n)?([\s\S]*?)```/g
const inline = /`([^`\n]+)`|https?:\/\/[^\s<>"'`]+/g
// Built at run time because the compiler's target is older than the `v` flag; every browser with `light-dark()` has it.
// biome-ignore lint/complexity/useRegexLiterals: see above
const onlyEmoji = new RegExp('^(?:\\p{RGI_Emoji}\\s?){1,3}$', 'v')

/** One to three emoji and nothing else. */
export const isEmojiOnly = (text: string): boolean => text.length <= 60 && onlyEmoji.test(text.trim())

/** Full stops and closing brackets after an address belong to the sentence. */
function splitTail(url: string): [string, string] {
  let end = url.length
  while (end > 0) {
    const last = url.charAt(end - 1)
    const unopened = last === ')' && !url.slice(0, end).includes('(')
    if (!/[.,;:!?\]}’”»]/u.test(last) && !unopened) break
    end -= 1
  }
  return [url.slice(0, end), url.slice(end)]
}

function line(text: string, key: string): ReactNode[] {
  const parts: ReactNode[] = []
  let from = 0
  for (const match of text.matchAll(inline)) {
    const id = `${key}.${match.index}`
    parts.push(text.slice(from, match.index))
    from = match.index + match[0].length
    if (match[1] !== undefined) {
      parts.push(
        <code key={id} dir="ltr">
          {match[1]}
        </code>,
      )
      continue
    }
    const [url, tail] = splitTail(match[0])
    parts.push(
      <a key={id} href={url} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
        {url.replace(/^https?:\/\//, '')}
      </a>,
      tail,
    )
  }
  parts.push(text.slice(from))
  return parts
}

export function richText(text: string): ReactNode[] {
  const parts: ReactNode[] = []
  let from = 0
  for (const match of text.matchAll(block)) {
    parts.push(...line(text.slice(from, match.index).replace(/\n$/, ''), `t${from}`))
    parts.push(
      // A scrolling block must be reachable without a pointer.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
      <pre key={`b${match.index}`} tabIndex={0}>
        <code>{(match[1] ?? '').replace(/\n$/, '')}</code>
      </pre>,
    )
    from = match.index + match[0].length
    if (text.charAt(from) === '\n') from += 1
  }
  parts.push(...line(text.slice(from), `t${from}`))
  return parts
}
