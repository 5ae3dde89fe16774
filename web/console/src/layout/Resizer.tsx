/** The edge between list and sheet, to be dragged or moved with arrow keys. */
import { type KeyboardEvent, type PointerEvent, useCallback } from 'react'
import { useConsoleText } from '../text'
import { useStored } from './useStored'

const width_min = 280
const width_max = 420
const width_default = 344
const key_step = 8

const bounded = (width: number) => Math.round(Math.min(width_max, Math.max(width_min, width)))

/** The list's width in pixels, remembered. */
export function useListWidth(): [number, (width: number) => void] {
  const [stored, write] = useStored('list_width', String(width_default))
  const width = bounded(Number(stored) || width_default)
  return [width, useCallback((next: number) => write(String(bounded(next))), [write])]
}

const turned = (element: Element) => getComputedStyle(element).direction === 'rtl'

export function Resizer({ width, onWidth }: { width: number; onWidth(width: number): void }) {
  const text = useConsoleText()
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return
    const list = event.currentTarget.parentElement?.getBoundingClientRect()
    if (list) onWidth(turned(event.currentTarget) ? list.right - event.clientX : event.clientX - list.left)
  }
  const key = (event: KeyboardEvent<HTMLDivElement>) => {
    const grow = turned(event.currentTarget) ? 'ArrowLeft' : 'ArrowRight'
    const shrink = grow === 'ArrowLeft' ? 'ArrowRight' : 'ArrowLeft'
    const next = { [grow]: width + key_step, [shrink]: width - key_step, Home: width_min, End: width_max }[event.key]
    if (next === undefined) return
    event.preventDefault()
    onWidth(next)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no <hr>
    <div
      className="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={text.resize}
      aria-valuemin={width_min}
      aria-valuemax={width_max}
      aria-valuenow={width}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDoubleClick={() => onWidth(width_default)}
      onKeyDown={key}
    />
  )
}
