/** Shows a screen and then does to it what a person would do, so that what opens can be looked at too. */
import { type ReactNode, useEffect } from 'react'

const every_ms = 30

/** Each step is tried until it says that it could be done; then comes the next. */
export function After({ children, steps }: { children: ReactNode; steps: (() => boolean)[] }) {
  useEffect(() => {
    let at = 0
    const timer = setInterval(() => {
      const step = steps[at]
      if (!step) clearInterval(timer)
      else if (step()) at += 1
    }, every_ms)
    return () => clearInterval(timer)
  }, [steps])
  return children
}

function withElement<T extends Element>(selector: string, act: (element: T) => void): () => boolean {
  return () => {
    const element = document.querySelector<T>(selector)
    if (element) act(element)
    return element !== null
  }
}

export const press = (selector: string) => withElement<HTMLElement>(selector, (element) => element.click())

export const happen = (selector: string, event: () => Event) =>
  withElement(selector, (element) => element.dispatchEvent(event()))

export const scrollUp = (selector: string, px: number) =>
  withElement(selector, (element) => {
    element.scrollTop -= px
  })

/** As if the person had typed it. */
export const write = (selector: string, text: string) =>
  withElement<HTMLTextAreaElement>(selector, (field) => {
    // React overrides the setter of the element; the prototype's tells it that something changed.
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(field, text)
    field.dispatchEvent(new Event('input', { bubbles: true }))
  })

export function carrying(...files: File[]): DataTransfer {
  const transfer = new DataTransfer()
  for (const file of files) transfer.items.add(file)
  return transfer
}
