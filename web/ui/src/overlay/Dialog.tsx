/** A question or a list over the page, as a native modal dialog: focus stays inside and returns by itself. */
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { IconButton } from '../Icon'
import { useText } from '../text/language'
import './overlay.css'

export interface DialogProps {
  title: string
  children?: ReactNode
  /** Buttons at the end; the first one has the focus. */
  actions?: ReactNode
  /** Esc, the backdrop, or the close button. */
  onClose: () => void
  /** Wider than a question (the keyboard sheet). */
  width?: number
}

/** Open as long as it is rendered. */
export function Dialog({ title, children, actions, onClose, width = 400 }: DialogProps) {
  const { common } = useText()
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const dialog = ref.current
    const before = document.activeElement
    dialog?.showModal()
    return () => {
      dialog?.close()
      // It may have left the page before it could give the focus back by itself.
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a dialog, the click on the backdrop is the pointer's way
    <dialog
      ref={ref}
      className="dialog"
      style={{ width: `min(${width}px, calc(100vw - 32px))` }}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === ref.current && onClose()}
    >
      <div className="inside">
        <header>
          <h2 id={titleId} className="grow">
            {title}
          </h2>
          {!actions && <IconButton icon="x" label={common.close} onClick={onClose} />}
        </header>
        {children}
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  )
}
