/** A field as high as its text, for browsers without `field-sizing: content`. */
import { type RefObject, useLayoutEffect } from 'react'

export function useAutoHeight(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const element = field.current
    if (!element || (typeof CSS !== 'undefined' && CSS.supports('field-sizing', 'content'))) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [field, text])
}
